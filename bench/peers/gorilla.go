// A WebSocket-to-TCP relay on gorilla/websocket, as one would write it: two goroutines a session, one
// for each direction. A peer of `make bench`.
//
//	gorilla LISTEN_ADDRESS TARGET_ADDRESS
package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
)

const copySize = 64 * 1024

// Hides net.TCPConn's ReadFrom, which would allocate a buffer of its own for every message.
type plainWriter struct{ io.Writer }

func clientToTarget(client *websocket.Conn, target net.Conn, done chan<- struct{}) {
	defer close(done)
	buffer := make([]byte, copySize)
	for {
		_, message, err := client.NextReader()
		if err != nil {
			break
		}
		if _, err := io.CopyBuffer(plainWriter{target}, message, buffer); err != nil {
			break
		}
	}
	target.Close()
}

func targetToClient(client *websocket.Conn, target net.Conn) {
	buffer := make([]byte, copySize)
	for {
		n, err := target.Read(buffer)
		if n > 0 && client.WriteMessage(websocket.BinaryMessage, buffer[:n]) != nil {
			break
		}
		if err != nil {
			break
		}
	}
	client.Close()
}

func main() {
	listenAddress, targetAddress := os.Args[1], os.Args[2]
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		client, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		target, err := net.Dial("tcp", targetAddress)
		if err != nil {
			client.Close()
			return
		}
		done := make(chan struct{})
		go clientToTarget(client, target, done)
		targetToClient(client, target)
		<-done
	})
	log.Fatal(http.ListenAndServe(listenAddress, nil))
}
