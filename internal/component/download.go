package component

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

func transferActions() map[string]action {
	return map[string]action{
		"S3Download":  s3Download,
		"S3Upload":    s3Upload,
		"WebDownload": webDownload,
	}
}

// webAttempts is how often each download is tried; the pause between doubles from firstPause.
const (
	webAttempts = 5
	firstPause  = 500 * time.Millisecond
)

// webDownload fetches one file. Its attempts are its own, apart from the step's maxAttempts.
func webDownload(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	source, err := url.Parse(in.text("source"))
	if err != nil || source.Scheme != "http" && source.Scheme != "https" || source.Host == "" {
		return nil, fmt.Errorf("the source %q is no http or https URL", in.text("source"))
	}
	to := s.path(in.text("destination"))
	if endsWithSeparator(to) {
		name := path.Base(source.Path)
		if name == "." || name == "/" || name == ".." {
			return nil, fmt.Errorf("the URL %s names no file; give the destination one", source)
		}
		to = filepath.Join(to, name)
	}
	done := map[string]string{"destination": to}
	checksum, algorithm := in.text("checksum"), in.text("algorithm")
	verify := checksum != "" && algorithm != ""
	if err := mayWrite(to, in.flag("overwrite", true)); err != nil {
		return nil, err
	}
	if verify {
		if sum, err := fileSum(to, algorithm); err == nil && strings.EqualFold(sum, checksum) {
			s.say("WebDownload: " + to + " is there already and its checksum matches")
			return done, nil
		}
	}
	if err := makeParents(to); err != nil {
		return nil, err
	}
	client := webClient(in.flag("ignoreCertificateErrors", false))
	defer client.CloseIdleConnections()
	if err := s.fetchPatiently(ctx, client, source.String(), to); err != nil {
		return nil, err
	}
	if verify {
		sum, err := fileSum(to, algorithm)
		if err != nil {
			return nil, err
		}
		if !strings.EqualFold(sum, checksum) {
			return nil, errors.Join(fmt.Errorf("the %s checksum of %s is %s and should be %s", strings.ToUpper(algorithm), source, sum, checksum), os.Remove(to))
		}
	}
	s.say("WebDownload: downloaded " + source.Redacted() + " to " + to)
	return done, nil
}

func webClient(ignoreCertificates bool) *http.Client {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSHandshakeTimeout: 30 * time.Second,
	}
	if ignoreCertificates {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the document asks for it
	}
	return &http.Client{Transport: t}
}

func (s *stepRun) fetchPatiently(ctx context.Context, client *http.Client, from, to string) error {
	pause := firstPause
	for n := 1; ; n++ {
		err := get(ctx, client, from, to)
		if err == nil || n == webAttempts || ctx.Err() != nil {
			return err
		}
		s.say(fmt.Sprintf("%s: attempt %d of %d failed: %s", s.step.Action, n, webAttempts, err))
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
		pause *= 2
	}
}

// get writes the body of a URL to a file. It replaces the file only when the whole body is there.
func get(ctx context.Context, client *http.Client, from, to string) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	if resp.StatusCode != http.StatusOK {
		return &statusError{resp.StatusCode, "the server answered " + resp.Status + " for " + req.URL.Redacted()}
	}
	part, err := os.CreateTemp(filepath.Dir(to), ".download-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(part, resp.Body)
	err = errors.Join(err, part.Chmod(0o644), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), to)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(part.Name()))
	}
	return err
}

// A statusError is an answer other than 200.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return e.text }
