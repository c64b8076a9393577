package sandbox

import "regexp"

// userQuota is AWS's default number of users of the user pool.
const userQuota = 50

// userAnswers are the user pool, sessions (of which the sandbox has none) and usage.
func (a *appStream) userAnswers() map[string]answer {
	return map[string]answer{
		"CreateUser":    a.createUser,
		"DeleteUser":    a.deleteUser,
		"DescribeUsers": a.describeUsers,
		"EnableUser":    func(c *call) (object, error) { return a.enableUser(c, true) },
		"DisableUser":   func(c *call) (object, error) { return a.enableUser(c, false) },

		"BatchAssociateUserStack":       func(c *call) (object, error) { return a.eachUserStack(c, a.joinStack) },
		"BatchDisassociateUserStack":    func(c *call) (object, error) { return a.eachUserStack(c, a.leaveStack) },
		"DescribeUserStackAssociations": a.userStacks,

		"CreateStreamingURL":   a.fleetURL,
		"DescribeSessions":     func(c *call) (object, error) { return a.page(c, "Sessions", 20, nil) },
		"ExpireSession":        func(*call) (object, error) { return object{}, nil },
		"DrainSessionInstance": func(c *call) (object, error) { return nil, missing(c, "session", text(c.in, "SessionId")) },

		"CreateUsageReportSubscription":    a.createUsageReport,
		"DeleteUsageReportSubscription":    a.deleteUsageReport,
		"DescribeUsageReportSubscriptions": a.describeUsageReports,
		"DescribeAppLicenseUsage":          a.licenseUsage,
	}
}

// pooled refuses any authentication but the user pool's, for which alone there are users here.
func pooled(c *call, code string) error {
	if typ := text(c.in, "AuthenticationType"); typ != "USERPOOL" {
		return fail(code, "The authentication type %s has no users here. It must be USERPOOL.", typ)
	}
	return nil
}

func (a *appStream) createUser(c *call) (object, error) {
	if err := pooled(c, "InvalidParameterCombinationException"); err != nil {
		return nil, err
	}
	name := text(c.in, "UserName")
	if a.get(c, kindUser, name) != nil {
		if text(c.in, "MessageAction") == "RESEND" {
			return object{}, nil
		}
		return nil, taken(kindUser, name)
	}
	if err := a.within(len(a.all(c.region, c.account, kindUser)), kindUser, userQuota); err != nil {
		return nil, err
	}
	a.add(c, &streamResource{Kind: kindUser, Name: name, Body: with(c.in, object{"Enabled": true, "Status": "FORCE_CHANGE_PASSWORD"})})
	return object{}, nil
}

func (a *appStream) user(c *call) (*streamResource, error) {
	if r := a.get(c, kindUser, text(c.in, "UserName")); r != nil && text(c.in, "AuthenticationType") == "USERPOOL" {
		return r, nil
	}
	return nil, missing(c, kindUser, text(c.in, "UserName"))
}

func (a *appStream) deleteUser(c *call) (object, error) {
	r, err := a.user(c)
	if err != nil {
		return nil, err
	}
	a.remove(r)
	for _, l := range a.links(c, kindUserStack, "UserName", r.Name) {
		a.remove(l)
	}
	return object{}, nil
}

func (a *appStream) describeUsers(c *call) (object, error) {
	if err := pooled(c, "InvalidParameterCombinationException"); err != nil {
		return nil, err
	}
	return a.page(c, "Users", 60, bodies(a.all(c.region, c.account, kindUser)))
}

func (a *appStream) enableUser(c *call, enabled bool) (object, error) {
	r, err := a.user(c)
	if err != nil {
		return nil, err
	}
	r.set(object{"Enabled": enabled})
	a.save(r)
	return object{}, nil
}

// eachUserStack does something for each association of the call; what fails is told one by one.
func (a *appStream) eachUserStack(c *call, do func(*call) (code string)) (object, error) {
	var errs []any
	for _, e := range list(c.in, "UserStackAssociations") {
		one := *c
		one.in, _ = e.(object)
		if code := do(&one); code != "" {
			errs = append(errs, object{"UserStackAssociation": e, "ErrorCode": code, "ErrorMessage": "The association could not be changed."})
		}
	}
	return object{"errors": errs}, nil
}

func (a *appStream) joinStack(c *call) string {
	if a.get(c, kindStack, text(c.in, "StackName")) == nil {
		return "STACK_NOT_FOUND"
	}
	if _, err := a.user(c); err != nil {
		return "USER_NAME_NOT_FOUND"
	}
	a.link(c, kindUserStack, "StackName", "UserName", "AuthenticationType")
	return ""
}

func (a *appStream) leaveStack(c *call) string {
	if !a.unlink(c, kindUserStack, "StackName", "UserName", "AuthenticationType") {
		return "USER_NAME_NOT_FOUND"
	}
	return ""
}

func (a *appStream) userStacks(c *call) (object, error) {
	if text(c.in, "StackName") == "" && text(c.in, "UserName") == "" {
		return nil, fail("InvalidParameterCombinationException", "StackName or UserName must be given.")
	}
	return a.ends(c, kindUserStack, "UserStackAssociations", "StackName", "UserName")
}

// fleetURL is for a stack whose fleet runs.
func (a *appStream) fleetURL(c *call) (object, error) {
	if _, err := a.stack(c); err != nil {
		return nil, err
	}
	f := a.get(c, kindFleet, text(c.in, "FleetName"))
	if f == nil {
		return nil, missing(c, kindFleet, text(c.in, "FleetName"))
	}
	if a.get(c, kindFleetStack, linkName(c, []string{"FleetName", "StackName"})) == nil {
		return nil, fail("OperationNotPermittedException", "The fleet %s is not associated with the stack %s.", f.Name, text(c.in, "StackName"))
	}
	if f.state() != "RUNNING" {
		return nil, fail("ResourceNotAvailableException", "The fleet %s is %s.", f.Name, f.state())
	}
	return streamingURL(c)
}

func (a *appStream) createUsageReport(c *call) (object, error) {
	bucket := "appstream-logs-" + c.region + "-" + c.account
	r := a.get(c, kindUsageReport, "usage")
	if r == nil {
		r = &streamResource{Kind: kindUsageReport, Name: "usage", Body: object{"S3BucketName": bucket, "Schedule": "DAILY"}}
		a.add(c, r)
	}
	return object{"S3BucketName": bucket, "Schedule": "DAILY"}, nil
}

func (a *appStream) deleteUsageReport(c *call) (object, error) {
	r := a.get(c, kindUsageReport, "usage")
	if r == nil {
		return nil, fail("ResourceNotFoundException", "There is no usage report subscription.")
	}
	a.remove(r)
	return object{}, nil
}

func (a *appStream) describeUsageReports(c *call) (object, error) {
	return a.page(c, "UsageReportSubscriptions", 50, bodies(a.all(c.region, c.account, kindUsageReport)))
}

// licenseUsage is empty: nobody streams from the sandbox.
func (a *appStream) licenseUsage(c *call) (object, error) {
	if ok, err := regexp.MatchString(`^\d{4}-(0[1-9]|1[0-2])$`, text(c.in, "BillingPeriod")); err != nil || !ok {
		return nil, fail("InvalidParameterCombinationException", "BillingPeriod must be a month: 2026-11.")
	}
	return a.page(c, "AppLicenseUsages", 50, nil)
}
