package main

// commands are the words facet knows, in the order help lists them.
func commands() []command {
	return []command{
		demoCommand, walletCommand, verifierCommand, logCommand,
		policyCommand, auditCommand, inspectCommand, dataCommand, doctorCommand,
	}
}
