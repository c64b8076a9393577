package rules

var regionRules = []Rule{}
