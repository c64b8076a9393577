package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// machineRules hold for the build instance: its profile, network, place and logs.
var machineRules = []Rule{
	{
		ID: "ib-instance-profile-length", Source: "IAM API Reference, CreateInstanceProfile: InstanceProfileName",
		Says: "The name of an instance profile has at most 128 characters.",
		on:   on(infrastructures, "instanceProfileName"), judge: profileLength,
	},
	{
		ID: "ib-log-bucket", Source: "S3 User Guide, bucket naming rules; S3 API Reference, error responses: InvalidBucketName", Answer: "The specified bucket is not valid.",
		Says: "The bucket of the logs is given by its name.",
		on:   on(infrastructures, "logging.s3Logs.s3BucketName"), judge: logBucket,
	},
	{
		ID: "ib-key-pair-name", Severity: Warning, Source: "EC2 API Reference, CreateKeyPair: KeyName, up to 255 ASCII characters; RunInstances: KeyName; ttlequals0/autovpn#21",
		Answer: "The key pair 'ap-southeast-2_vpnkey.pem' does not exist",
		Says:   "A key pair is given by its name, not its id, ARN or file.",
		on:     on(infrastructures, "keyPair"), judge: keyPairName,
	},
	{
		ID: "ib-zone-region", Source: "EC2 API Reference, Placement: AvailabilityZone; newsapps/beeswithmachineguns#90 (RunInstances)", Answer: "Invalid availability zone: [ap-southeast-1a]",
		Says: "The Availability Zone is one of the region of the build, by its name.",
		on:   on(infrastructures, "placement.availabilityZone"), judge: zoneRegion,
	},
	{
		ID: "ib-zone-subnet", Severity: Warning, Source: "EC2 User Guide, subnets: a subnet is in one Availability Zone",
		Says: "A subnet decides the Availability Zone, so only one of them is given.",
		on:   on(infrastructures, "placement.availabilityZone"), judge: zoneSubnet,
	},
	{
		ID: "ib-host-id", Severity: Warning, Source: "EC2 API Reference, Placement: HostId",
		Says: "A host is given by its id, h- and 8 or 17 hexadecimal digits.",
		on:   on(infrastructures, "placement.hostId"), judge: idForm("h-", "a Dedicated Host"),
	},
	{
		ID: "ib-host-group", Source: "EC2 API Reference, Placement: HostResourceGroupArn",
		Says: "A host resource group is given by its ARN, of the region of the build.",
		on:   on(infrastructures, "placement.hostResourceGroupArn"), judge: hostGroup,
	},
	{
		ID: "ib-subnet-id", Source: "EC2 API Reference, RunInstances: SubnetId; openshift/openshift-ansible#1053 (DescribeSubnets)", Answer: "The subnet ID 'example' does not exist",
		Says: "A subnet is given by its id.",
		on:   on(infrastructures, "subnetId"), judge: idPrefix("subnet-", "a subnet"),
	},
	{
		ID: "ib-security-group-id", Source: "EC2 API Reference, RunInstances: SecurityGroupIds; genevieve/leftovers#7", Answer: `Invalid id: "tcp_elb_security_group" (expecting "sg-...")`,
		Says: "A security group is given by its id.",
		on:   on(infrastructures, "securityGroupIds[]"), judge: idPrefix("sg-", "a security group"),
	},
	{
		ID: "ib-security-group-once", Severity: Warning, Source: "EC2 API Reference, RunInstances: SecurityGroupIds",
		Says: "A security group is named once.",
		on:   on(infrastructures, "securityGroupIds"), judge: once("security group"),
	},
	{
		ID: "ib-security-group-quota", Severity: Warning, Source: "VPC User Guide, quotas: security groups per network interface, 5; kubernetes-sigs/aws-load-balancer-controller#682",
		Answer: "The maximum number of security groups per interface has been reached.",
		Says:   "An instance has at most 5 security groups, unless the account's quota is higher.",
		on:     on(infrastructures, "securityGroupIds"), judge: groupQuota,
	},
	{
		ID: "ib-security-group-count", Source: "VPC User Guide, quotas: the quota of security groups per network interface cannot exceed 16; kubernetes-sigs/aws-load-balancer-controller#682",
		Answer: "The maximum number of security groups per interface has been reached.",
		Says:   "An instance has at most 16 security groups.",
		on:     on(infrastructures, "securityGroupIds"), judge: groupCount,
	},
	{
		ID: "ib-instance-type-once", Severity: Warning, Source: "API Reference, CreateInfrastructureConfiguration: instanceTypes",
		Says: "An instance type is named once.",
		on:   on(infrastructures, "instanceTypes"), judge: once("instance type"),
	},
	{
		ID: "ib-dedicated-type", Severity: Warning, Source: "EC2 User Guide, burstable performance instances: T2 instances are neither Dedicated Instances nor on Dedicated Hosts",
		Says: "A t2 instance has the default tenancy.",
		on:   on(infrastructures, "placement.tenancy"), judge: dedicatedType,
	},
}

func profileLength(s *subject) {
	if n := len(text(s.value)); n > 128 {
		s.refuse("", "IAM's names of instance profiles have at most 128 characters, and this one has "+strconv.Itoa(n), "Write the name of a profile that exists.")
	}
}

func logBucket(s *subject) {
	if v := text(s.value); v != "" && (!bucketName().MatchString(v) || strings.Contains(v, "..")) {
		s.refuse("", awsmodel.Printable(v)+" is not the name of a bucket",
			"Write the name alone, 3 to 63 lower-case letters, digits, dots and hyphens, without s3://; a folder goes into s3_key_prefix.")
	}
}

var keyPairID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^key-[0-9a-f]{17}$`) })

func keyPairName(s *subject) {
	v := text(s.value)
	switch {
	case len(v) > 255:
		s.refuse("", "The name of a key pair has at most 255 characters", "Write the name of a key pair that exists.")
	case keyPairID().MatchString(v), strings.HasPrefix(v, "arn:"), strings.HasSuffix(v, ".pem"), strings.Contains(v, "ssh-rsa "):
		s.refuse("", awsmodel.Printable(v)+" is not the name of a key pair", "Write the name that EC2 lists it under.")
	}
}

func zoneRegion(s *subject) {
	zone, here := text(s.value), s.place.Region
	if zone == "" || here == "" {
		return
	}
	if rest, ok := strings.CutPrefix(zone, here); !ok || rest == "" {
		s.refuse("", awsmodel.Printable(zone)+" is not the name of an Availability Zone of "+here, "Write a zone such as "+here+"a, or leave it out.")
	}
}

func zoneSubnet(s *subject) {
	if filled(s.root["subnetId"]) {
		s.wrong("", "The subnet is in an Availability Zone already; EC2 refuses another one", "Remove availability_zone.")
	}
}

// idForm wants an id of EC2's.
func idForm(prefix, of string) func(*subject) {
	form := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^` + prefix + `([0-9a-f]{8}|[0-9a-f]{17})$`) })
	return func(s *subject) {
		if v := text(s.value); v != "" && !form().MatchString(v) {
			s.refuse("", awsmodel.Printable(v)+" is not the id of "+of, "Write the id, "+prefix+" and 17 hexadecimal digits.")
		}
	}
}

// idPrefix wants an id rather than a name or an ARN.
func idPrefix(prefix, of string) func(*subject) {
	return func(s *subject) {
		if v := text(s.value); v != "" && !strings.HasPrefix(v, prefix) {
			s.refuse("", awsmodel.Printable(v)+" is not the id of "+of, "Write the id, which begins with "+prefix+".")
		}
	}
}

func hostGroup(s *subject) {
	a, err := awsmodel.ParseARN(text(s.value))
	if err != nil || a.Service != "resource-groups" || !strings.HasPrefix(a.Resource, "group/") {
		s.refuse("", awsmodel.Printable(text(s.value))+" is not the ARN of a host resource group", "Write arn:aws:resource-groups:REGION:ACCOUNT:group/NAME.")
		return
	}
	otherRegion("resource-groups")(s)
}

func groupQuota(s *subject) {
	if n := len(entries(s.value)); n > 5 && n <= 16 {
		s.refuse("", "It has "+strconv.Itoa(n)+" security groups, and the default quota is 5", "Name fewer groups, or have the quota raised.")
	}
}

func groupCount(s *subject) {
	if n := len(entries(s.value)); n > 16 {
		s.refuse("", "It has "+strconv.Itoa(n)+" security groups, and EC2 takes 16 at most", "Name fewer groups.")
	}
}

func dedicatedType(s *subject) {
	if !slices.Contains([]string{"dedicated", "host"}, text(s.value)) {
		return
	}
	for _, t := range entries(s.root["instanceTypes"]) {
		if strings.HasPrefix(text(t), "t2.") {
			s.wrong("", "EC2 starts "+awsmodel.Printable(text(t))+" with the default tenancy alone", "Name a t3 type, or remove tenancy.")
		}
	}
}
