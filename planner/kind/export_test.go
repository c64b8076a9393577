package kind

// Meanings are the meanings of members, for the test that finds misspelt ones.
func Meanings() map[string]string { return meanings }
