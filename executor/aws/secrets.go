package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Secret is what is kept under "ssm:/path", "secretsmanager:NAME" or "secretsmanager:NAME#key", of a secret that is a JSON
// object. region "" is the default one.
func (c *Clients) Secret(ctx context.Context, region, name string) (string, error) {
	if parameter, ok := strings.CutPrefix(name, "ssm:"); ok {
		out, err := c.answer(ctx, "ssm:GetParameter", region, object{"Name": parameter, "WithDecryption": true})
		if err != nil {
			return "", fmt.Errorf("reading the secret %s: %w", name, err)
		}
		return text(sub(out, "Parameter"), "Value"), nil
	}
	id, key, keyed := strings.Cut(strings.TrimPrefix(name, "secretsmanager:"), "#")
	out, err := c.answer(ctx, "secretsmanager:GetSecretValue", region, object{"SecretId": id})
	if err != nil {
		return "", fmt.Errorf("reading the secret %s: %w", name, err)
	}
	value := text(out, "SecretString")
	if !keyed {
		return value, nil
	}
	var members map[string]any
	if err = json.Unmarshal([]byte(value), &members); err != nil {
		return "", fmt.Errorf("reading the secret %s: it is no JSON object, so that it has no %q", name, key)
	}
	found, ok := members[key].(string)
	if !ok {
		return "", fmt.Errorf("reading the secret %s: it has no text %q", name, key)
	}
	return found, nil
}
