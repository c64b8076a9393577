package aws

const buildNotStarted = "BuildNotStarted"
