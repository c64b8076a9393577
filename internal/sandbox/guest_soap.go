package sandbox

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The actions of WS-Management's shells (MS-WSMV 3.1.4).
const (
	wsCreate  = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create"
	wsDelete  = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete"
	wsShell   = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
	wsCommand = wsShell + "/Command"
	wsReceive = wsShell + "/Receive"
	wsSignal  = wsShell + "/Signal"
	wsDone    = wsShell + "/CommandState/Done"
	wsRunning = wsShell + "/CommandState/Running"
	wsCmd     = wsShell + "/cmd"
)

// A soapRequest is what of a WS-Management message the machine looks at.
type soapRequest struct {
	Action    string `xml:"Header>Action"`
	MessageID string `xml:"Header>MessageID"`
	Timeout   string `xml:"Header>OperationTimeout"`
	Resource  string `xml:"Header>ResourceURI"`
	Selectors []struct {
		Name  string `xml:"Name,attr"`
		Value string `xml:",chardata"`
	} `xml:"Header>SelectorSet>Selector"`
	Shell *struct {
		Variables []struct {
			Name  string `xml:"Name,attr"`
			Value string `xml:",chardata"`
		} `xml:"Environment>Variable"`
	} `xml:"Body>Shell"`
	Line *struct {
		ID        string   `xml:"CommandId,attr"`
		Command   string   `xml:"Command"`
		Arguments []string `xml:"Arguments"`
	} `xml:"Body>CommandLine"`
	Receive *struct {
		Stream struct {
			Command string `xml:"CommandId,attr"`
		} `xml:"DesiredStream"`
	} `xml:"Body>Receive"`
	Signal *struct {
		Command string `xml:"CommandId,attr"`
		Code    string `xml:"Code"`
	} `xml:"Body>Signal"`
	Identify *struct{} `xml:"Body>Identify"`
}

func parseSOAP(raw []byte) (*soapRequest, error) {
	var r soapRequest
	if err := xml.Unmarshal(raw, &r); err != nil { //nolint:gosec // XML makes texts and lists here, and no behaviour
		return nil, fmt.Errorf("reading a SOAP message: %w", err)
	}
	return &r, nil
}

// shell is the ShellId among the selectors.
func (r *soapRequest) shell() string {
	for _, s := range r.Selectors {
		if s.Name == "ShellId" {
			return strings.TrimSpace(s.Value)
		}
	}
	return ""
}

// wait is how long the client wants an operation to wait: "PT60S", "PT60.000S", "PT1M".
func (r *soapRequest) wait() time.Duration {
	text := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(r.Timeout), "PT"))
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > 10*time.Minute {
		return time.Minute
	}
	return d
}

// envelope is a SOAP answer.
func envelope(action, relatesTo, body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xml:lang="en-US" xmlns:s="http://www.w3.org/2003/05/soap-envelope"` +
		` xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer"` +
		` xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:rsp="` + wsShell + `" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd">` +
		`<s:Header><a:Action>` + action + `</a:Action><a:MessageID>uuid:` + strings.ToUpper(uuid.NewString()) + `</a:MessageID>` +
		`<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To><a:RelatesTo>` + xmlText(relatesTo) + `</a:RelatesTo></s:Header>` +
		`<s:Body>` + body + `</s:Body></s:Envelope>`
}

// A soapFault is a WS-Management fault. Code is Windows' own number.
type soapFault struct {
	Subcode, Code, Text string
}

// The faults that the machine knows.
var (
	faultTimeout = soapFault{"w:TimedOut", "2150858793", "The WS-Management service cannot complete the operation within the time specified in OperationTimeout."}
	faultShell   = soapFault{"w:InvalidSelectors", "2150858843", "The request for the Windows Remote Shell with ShellId failed because the shell was not found on the server."}
	faultAction  = soapFault{"w:ActionNotSupported", "2150858751", "The WS-Management service cannot process the request because the sandbox's guest does not do this action."}
	faultRunning = soapFault{"w:QuotaLimit", "2150859174", "The shell already runs a command: the sandbox's guest runs one at a time in each."}
)

func (f soapFault) body() string {
	return `<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>` + f.Subcode + `</s:Value></s:Subcode></s:Code>` +
		`<s:Reason><s:Text xml:lang="en-US">` + xmlText(f.Text) + `</s:Text></s:Reason>` +
		`<s:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="` + f.Code + `" Machine="sandbox"><f:Message>` +
		xmlText(f.Text) + `</f:Message></f:WSManFault></s:Detail></s:Fault>`
}

// selectorSet names a shell in an answer.
func selectorSet(shell string) string {
	return `<w:SelectorSet><w:Selector Name="ShellId">` + xmlText(shell) + `</w:Selector></w:SelectorSet>`
}

func createdBody(shell, to string) string {
	return `<x:ResourceCreated><a:Address>` + xmlText(to) + `</a:Address><a:ReferenceParameters><w:ResourceURI>` + wsCmd + `</w:ResourceURI>` +
		selectorSet(shell) + `</a:ReferenceParameters></x:ResourceCreated>` +
		`<rsp:Shell><rsp:ShellId>` + xmlText(shell) + `</rsp:ShellId><rsp:ResourceUri>` + wsCmd + `</rsp:ResourceUri>` +
		`<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>`
}

// receiveBody is output, and the exit status once there is one.
func receiveBody(command string, out []guestOutput, exit *int) string {
	var b strings.Builder
	b.WriteString(`<rsp:ReceiveResponse>`)
	for _, o := range out {
		name := map[bool]string{true: "stderr", false: "stdout"}[o.stderr]
		b.WriteString(`<rsp:Stream Name="` + name + `" CommandId="` + command + `">` + base64.StdEncoding.EncodeToString(o.text) + `</rsp:Stream>`)
	}
	if exit == nil {
		b.WriteString(`<rsp:CommandState CommandId="` + command + `" State="` + wsRunning + `"/>`)
	} else {
		for _, name := range []string{"stdout", "stderr"} {
			b.WriteString(`<rsp:Stream Name="` + name + `" CommandId="` + command + `" End="true"></rsp:Stream>`)
		}
		fmt.Fprintf(&b, `<rsp:CommandState CommandId="%s" State="%s"><rsp:ExitCode>%d</rsp:ExitCode></rsp:CommandState>`, command, wsDone, *exit)
	}
	return b.String() + `</rsp:ReceiveResponse>`
}
