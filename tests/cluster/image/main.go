// The one program of the plain image. It has no shell and no libraries: what a test of the cluster needs and nothing else.
//
//	tool pause                  waits for the end and buries orphans: the sandbox of a pod, process 1 of a node
//	tool serve :PORT            answers every request with its host name; /lookup?NAME resolves a name, /get?URL asks somebody
//	                            else, /write?TEXT and /read use /data
//	tool delay DEVICE TIME      sends every packet that the device is given back into the network, that much later
//	tool say TEXT               for `kubectl exec`
//	tool -p PATH -a ACTION      makes and removes the folder of a volume, for the provisioner's helper pods
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	role, arguments := "pause", os.Args[1:]
	if len(arguments) > 0 && arguments[0] == "-p" { // the provisioner can name a program, but no argument of it
		role = "volume"
	} else if len(arguments) > 0 {
		role, arguments = arguments[0], arguments[1:]
	}
	var err error
	switch role {
	case "pause":
		pause()
	case "serve":
		err = serve(arguments[0])
	case "delay":
		err = delay(arguments[0], arguments[1])
	case "say":
		fmt.Println(arguments[0])
	case "volume":
		err = volume(arguments)
	default:
		err = fmt.Errorf("no role %q: pause, serve, delay, say or volume", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pause() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	child := make(chan os.Signal, 1)
	signal.Notify(child, syscall.SIGCHLD)
	for {
		select {
		case <-end:
			return
		case <-child:
			for {
				if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
					break
				}
			}
		}
	}
}

func serve(address string) error {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	go func() { <-end; os.Exit(0) }()
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	answer := func(path string, handle func(query string) (string, error)) {
		http.HandleFunc(path, func(response http.ResponseWriter, request *http.Request) {
			text, err := handle(request.URL.RawQuery)
			if err != nil {
				http.Error(response, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprintln(response, text)
		})
	}
	answer("/", func(string) (string, error) { return name, nil })
	answer("/lookup", func(query string) (string, error) {
		addresses, err := net.LookupHost(query)
		return fmt.Sprint(addresses), err
	})
	// A new connection each time: kube-proxy chooses a pod for each.
	trusted := x509.NewCertPool()
	if authority, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"); err == nil {
		trusted.AppendCertsFromPEM(authority)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	answer("/get", func(query string) (string, error) {
		response, err := client.Get(query)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return strings.TrimSpace(string(text)), err
	})
	answer("/write", func(query string) (string, error) { return "written", os.WriteFile("/data/file", []byte(query), 0o600) })
	answer("/read", func(string) (string, error) {
		text, err := os.ReadFile("/data/file")
		return string(text), err
	})
	fmt.Println("listening on", address)
	return http.ListenAndServe(address, nil)
}

// The provisioner's contract: -p folder, -s size, -m mode, -a create or delete. A new folder is like the root of a new
// file system (root's, 0755): without `fsGroup` a pod may not write there, as on a real disk.
func volume(arguments []string) error {
	flags := flag.NewFlagSet("volume", flag.ContinueOnError)
	path := flags.String("p", "", "folder")
	action := flags.String("a", "", "create or delete")
	flags.String("s", "", "size in bytes, not enforced")
	flags.String("m", "", "mode of the volume")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	switch *action {
	case "create":
		return os.MkdirAll(*path, 0o755)
	case "delete":
		return os.RemoveAll(*path)
	}
	return fmt.Errorf("no action %q", *action)
}
