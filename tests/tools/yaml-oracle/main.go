// The YAML reader of kubectl, so that ours can be compared with it: one request per line on standard input, one
// answer per line on standard output.
//
//	{"text": "<base64>"}                  one document, read as sigs.k8s.io/yaml reads it
//	{"text": "<base64>", "stream": true}  what kubectl does with a whole file: split, read, skip what is empty
//
// An answer is {"values": [...]} or {"error": "..."}; nothing that a request holds ends the program.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	apimachinery "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

type request struct {
	Text   []byte `json:"text"`
	Stream bool   `json:"stream"`
}

type answer struct {
	Values []json.RawMessage `json:"values"`
	Error  string            `json:"error,omitempty"`
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	for {
		line, err := input.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if failure := encoder.Encode(reply(line)); failure != nil {
				fmt.Fprintln(os.Stderr, "yaml-oracle:", failure)
				os.Exit(1)
			}
			// Whoever asks waits for the answer when there is nothing left to read.
			if input.Buffered() == 0 {
				output.Flush()
			}
		}
		if err != nil {
			return
		}
	}
}

func reply(line []byte) (result answer) {
	defer func() {
		if problem := recover(); problem != nil {
			result = answer{Error: fmt.Sprint("panic: ", problem)}
		}
	}()
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: err.Error()}
	}
	values, err := document(asked.Text)
	if asked.Stream {
		values, err = stream(asked.Text)
	}
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Values: values}
}

func document(text []byte) ([]json.RawMessage, error) {
	value, err := yaml.YAMLToJSON(text)
	return []json.RawMessage{value}, err
}

// stream does what the visitors of cli-runtime do (pkg/resource/visitor.go), without the API types.
func stream(text []byte) ([]json.RawMessage, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	decoder := apimachinery.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	values := []json.RawMessage{}
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		value = bytes.TrimSpace(value)
		if len(value) > 0 && !bytes.Equal(value, []byte("null")) {
			values = append(values, value)
		}
	}
}
