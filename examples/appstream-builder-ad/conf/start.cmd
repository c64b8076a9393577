@echo off
rem Runs when a session starts.
