package aws

import "strings"

// hints say what to do about an error that a machine of AppStream has (AppStream 2.0 Administration Guide,
// "Troubleshooting: Active Directory domain join", "notification codes").
var hints = map[string]string{ //nolint:gochecknoglobals // a table, never written
	"DOMAIN_JOIN_ERROR_FILE_NOT_FOUND":                         "The organizational unit does not exist: its name must begin with OU= and be that of the directory configuration.",
	"DOMAIN_JOIN_ERROR_ACCESS_DENIED":                          "The service account may not join computers: allow it to create computer objects, to change and reset passwords and to write descriptions there.",
	"DOMAIN_JOIN_ERROR_LOGON_FAILURE":                          "The service account's name or password is wrong: correct the directory configuration, and make the machine anew.",
	"DOMAIN_JOIN_ERROR_INVALID_PARAMETER":                      "The organizational unit is wrong: write its distinguished name without spaces around the commas.",
	"DOMAIN_JOIN_ERROR_MORE_DATA":                              "The organizational unit is wrong: write its distinguished name without spaces around the commas.",
	"DOMAIN_JOIN_ERROR_NO_SUCH_DOMAIN":                         "The domain is not found: check the VPC's DHCP options, DNS and the security groups towards the domain controllers.",
	"DOMAIN_JOIN_ERROR_NOT_SUPPORTED":                          "The directory does not support it: Simple AD cannot be joined.",
	"DOMAIN_JOIN_ERROR_DS_MACHINE_ACCOUNT_QUOTA_EXCEEDED":      "The service account has joined as many computers as it may: allow it to create computer objects in the organizational unit.",
	"DOMAIN_JOIN_NERR_INVALID_WORKGROUP_NAME":                  "The directory's name is wrong: write its fully qualified name.",
	"DOMAIN_JOIN_NERR_WORKSTATION_NOT_STARTED":                 "Windows had not started the service that joins domains. Run it again.",
	"DOMAIN_JOIN_NERR_PASSWORD_EXPIRED":                        "The service account's password has expired: change it, correct the directory configuration, and make the machine anew.",
	"DOMAIN_JOIN_INTERNAL_SERVICE_ERROR":                       "An account of that name may exist elsewhere in the directory, or there are spaces around the commas of the organizational unit.",
	"IAM_SERVICE_ROLE_IS_MISSING":                              "The account has no role AmazonAppStreamServiceAccess: open the AppStream console once, or make it.",
	"IAM_SERVICE_ROLE_MISSING_ENI_DESCRIBE_ACTION":             "The role AmazonAppStreamServiceAccess lacks ec2:DescribeNetworkInterfaces.",
	"IAM_SERVICE_ROLE_MISSING_ENI_CREATE_ACTION":               "The role AmazonAppStreamServiceAccess lacks ec2:CreateNetworkInterface.",
	"IAM_SERVICE_ROLE_MISSING_ENI_DELETE_ACTION":               "The role AmazonAppStreamServiceAccess lacks ec2:DeleteNetworkInterface.",
	"IAM_SERVICE_ROLE_MISSING_DESCRIBE_SUBNET_ACTION":          "The role AmazonAppStreamServiceAccess lacks ec2:DescribeSubnets.",
	"IAM_SERVICE_ROLE_MISSING_DESCRIBE_SECURITY_GROUPS_ACTION": "The role AmazonAppStreamServiceAccess lacks ec2:DescribeSecurityGroups.",
	"MACHINE_ROLE_IS_MISSING":                                  "The role of iam_role_arn does not exist, or does not trust appstream.amazonaws.com.",
	"STS_DISABLED_IN_REGION":                                   "Activate STS in this region, in the account settings of IAM.",
	"NETWORK_INTERFACE_LIMIT_EXCEEDED":                         "The account has as many network interfaces as it may: have the quota of the VPC raised.",
	"SUBNET_HAS_INSUFFICIENT_IP_ADDRESSES":                     "The subnet has no free address: name another one.",
	"SUBNET_NOT_FOUND":                                         "The subnet does not exist in this region.",
	"INVALID_SUBNET_CONFIGURATION":                             "The subnet cannot be used: check its availability zone.",
	"SECURITY_GROUPS_NOT_FOUND":                                "A security group does not exist in the subnet's VPC.",
	"IGW_NOT_ATTACHED":                                         "Default internet access needs a subnet whose route table leads to an internet gateway.",
	"IMAGE_NOT_FOUND":                                          "The image does not exist any more, or is not shared with this account any more.",
	"FLEET_STOPPED":                                            "The fleet was stopped.",
	"FLEET_INSTANCE_PROVISIONING_FAILURE":                      "Machines of this type cannot be had now: try another type or a subnet in another availability zone.",
	"VALIDATION_ERROR":                                         "AppStream could not start a machine as asked.",
	"INTERNAL_SERVICE_ERROR":                                   "AppStream tries again by itself. Where the message speaks of a user name or password, the computer object was deleted or disabled.",
}

// passes are errors that a machine may have for a while and come up all the same.
var passes = map[string]bool{"INTERNAL_SERVICE_ERROR": true} //nolint:gochecknoglobals // a table, never written

// withHint is one error of AppStream's with what to do about it.
func withHint(e object) string {
	code := text(e, "ErrorCode")
	said := code
	if m := text(e, "ErrorMessage"); m != "" {
		said = strings.TrimPrefix(said+": "+m, ": ")
	}
	if h := hints[code]; h != "" {
		said = strings.TrimSuffix(said, ".") + ". " + h
	}
	return said
}

// fatal returns the first of a machine's errors that it will not recover from; nil where there is none.
func fatal(errors []object) object {
	for _, e := range errors {
		if !passes[text(e, "ErrorCode")] {
			return e
		}
	}
	return nil
}
