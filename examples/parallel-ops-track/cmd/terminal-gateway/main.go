// Command terminal-gateway carries websocket terminal sessions, apart from the API's runtime.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	address := os.Getenv("LISTEN_ADDRESS")
	if address == "" {
		address = "127.0.0.1:8444"
	}
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	log.Fatal(http.ListenAndServe(address, nil))
}
