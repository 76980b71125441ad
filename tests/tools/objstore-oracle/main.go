// What Thanos says of an object-store configuration, so that our verdict can be compared with it.
//
// On standard input: a line with a number of bytes in decimal, then so many bytes, again and again. On standard output:
// one line of JSON for each, {"accepted": bool, "error": "...", "network": bool}.
//
// With the argument "key" it prints a fresh RSA key in PEM, which OCI's SDK looks into before it connects.
//
// It calls the constructor that Thanos calls (cmd/thanos/store.go), at the version that Thanos' go.mod pins, and lets
// nothing out: every dial is refused. Where the constructor dials, it has nothing more to say of the configuration, so
// that counts as accepted, marked "network".
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/go-kit/log"
	"github.com/thanos-io/objstore/client"
	"github.com/thanos-io/objstore/providers/s3"
)

// The client that azidentity asks for tokens; its constructor has no place for another.
//
//go:linkname azureClient github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime.defaultHTTPClient
var azureClient *http.Client

// patience is for a constructor that never ends, after which no later answer could be trusted.
const patience = 2 * time.Minute

var errRefused = errors.New("objstore-oracle: nothing is let out")

type answer struct {
	Accepted bool   `json:"accepted"`
	Error    string `json:"error,omitempty"`
	Network  bool   `json:"network,omitempty"`
}

// attempt is one configuration under judgement.
type attempt struct{ answers chan answer }

// current is the one that runs: they run one after the other.
var current atomic.Pointer[attempt]

func (a *attempt) say(what answer) {
	select {
	case a.answers <- what:
	default:
	}
}

// refusing does everything that a transport does before it dials, and ends the goroutine where it would.
type refusing struct {
	inner *http.Transport
	// Nil for what is shared: then it is the one that runs.
	attempt *attempt
}

type dialled struct{}

func refuse(inner *http.Transport, attempt *attempt) refusing {
	inner = inner.Clone()
	inner.Proxy = nil
	inner.DialTLSContext = nil
	inner.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if flag, ok := ctx.Value(dialled{}).(*atomic.Bool); ok {
			flag.Store(true)
		}
		return nil, errRefused
	}
	return refusing{inner, attempt}
}

func (r refusing) RoundTrip(request *http.Request) (*http.Response, error) {
	flag := new(atomic.Bool)
	ctx := context.WithValue(request.Context(), dialled{}, flag)
	response, err := r.inner.RoundTrip(request.WithContext(ctx))
	if flag.Load() {
		attempt := r.attempt
		if attempt == nil {
			attempt = current.Load()
		}
		attempt.say(answer{Accepted: true, Network: true})
		// Neither a retry nor a pause between two of them.
		runtime.Goexit()
	}
	return response, err
}

func (a *attempt) wrap(inner http.RoundTripper) http.RoundTripper {
	if transport, ok := inner.(*http.Transport); ok {
		return refuse(transport, a)
	}
	return inner
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "key" {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err == nil {
			block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
			err = pem.Encode(os.Stdout, block)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "objstore-oracle:", err)
			os.Exit(1)
		}
		return
	}
	if err := surroundings(); err != nil {
		fmt.Fprintln(os.Stderr, "objstore-oracle:", err)
		os.Exit(1)
	}
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(output)
	for {
		text, err := next(input)
		if err == nil {
			err = encoder.Encode(judge(text))
		}
		// Whoever asks waits for the answer when there is nothing left to read.
		if input.Buffered() == 0 || err != nil {
			output.Flush()
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "objstore-oracle:", err)
			os.Exit(1)
		}
	}
}

// surroundings gives every program that reads the environment the same one, with credentials where an SDK looks for
// some before it dials, as it would find them in a pod.
func surroundings() error {
	os.Clearenv()
	home, err := os.MkdirTemp("", "objstore-oracle")
	if err != nil {
		return err
	}
	google := filepath.Join(home, "google.json")
	text := `{"type":"authorized_user","client_id":"a","client_secret":"b","refresh_token":"c"}`
	if err := os.WriteFile(google, []byte(text), 0o600); err != nil {
		return err
	}
	os.Setenv("HOME", home)
	os.Setenv("GOOGLE_APPLICATION_CREDENTIALS", google)
	refused := refuse(http.DefaultTransport.(*http.Transport), nil)
	http.DefaultTransport = refused
	http.DefaultClient.Transport = refused
	azureClient.Transport = refused
	net.DefaultResolver = &net.Resolver{
		PreferGo: true,
		Dial:     func(context.Context, string, string) (net.Conn, error) { return nil, errRefused },
	}
	return nil
}

func next(input *bufio.Reader) ([]byte, error) {
	line, err := input.ReadString('\n')
	if err != nil {
		return nil, err
	}
	length, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return nil, err
	}
	text := make([]byte, length)
	_, err = io.ReadFull(input, text)
	return text, err
}

func judge(text []byte) answer {
	// All configurations of one process share this map, and strictly read ones refuse what an earlier one put there.
	s3.DefaultConfig.PutUserMetadata = map[string]string{}
	attempt := &attempt{answers: make(chan answer, 1)}
	current.Store(attempt)
	go func() {
		defer func() {
			if problem := recover(); problem != nil {
				attempt.say(answer{Error: fmt.Sprint("panic: ", problem)})
			}
		}()
		bucket, err := client.NewBucket(log.NewNopLogger(), text, "store", attempt.wrap)
		if err != nil {
			attempt.say(refused(err))
			return
		}
		attempt.say(answer{Accepted: true})
		bucket.Close()
	}()
	select {
	case said := <-attempt.answers:
		return said
	case <-time.After(patience):
		fmt.Fprintf(os.Stderr, "objstore-oracle: no answer in %s\n", patience)
		os.Exit(1)
		return answer{}
	}
}

// refused tells what a configuration lacks from what this machine lacks and a pod has.
func refused(err error) answer {
	text := err.Error()
	for _, part := range []string{
		errRefused.Error(),
		"unable to create OCI instance principal config provider",
		"unable to create OKE workload identity config provider",
		"did not find a proper configuration for", // ~/.oci/config
	} {
		if strings.Contains(text, part) {
			return answer{Accepted: true, Network: true, Error: text}
		}
	}
	return answer{Error: text}
}
