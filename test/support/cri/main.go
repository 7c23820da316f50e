// Command cri speaks the Container Runtime Interface (CRI v1) to a container runtime's socket, as kubelet
// does. Its commands have the names and the argument order of crictl's, so that its documentation serves here
// too.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const usage = `usage: cri -r unix:///PATH.sock [-t SECONDS] COMMAND

  info                            the runtime's state and configuration, as JSON
  runp POD.json                   start a pod sandbox, print its id
  create POD CONTAINER.json POD.json
                                  create a container in a sandbox, print its id
  start CONTAINER                 start a container
  exec CONTAINER PROGRAM [ARG...] run a program in it; its output and exit status become ours
  inspectp POD                    a sandbox's state, as JSON
  pods                            the ids of all sandboxes, one a line
  stopp POD                       stop a sandbox: this is where its network goes
  rmp POD                         remove a stopped sandbox
  rm CONTAINER                    stop and remove a container
`

// exitStatus carries the status of a program run by exec out to main.
type exitStatus int

func (status exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(status)) }

func main() {
	endpoint := flag.String("r", "", "the runtime's socket, unix:///PATH")
	seconds := flag.Int("t", 60, "give up after so many seconds")
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flag.Parse()
	if *endpoint == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(*seconds)*time.Second)
	defer cancel()
	err := run(ctx, *endpoint, flag.Arg(0), flag.Args()[1:])
	var status exitStatus
	switch {
	case errors.As(err, &status):
		os.Exit(int(status))
	case err != nil:
		fmt.Fprintf(os.Stderr, "cri: %s: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}

func run(ctx context.Context, endpoint, command string, args []string) error {
	connection, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	runtime := cri.NewRuntimeServiceClient(connection)

	wanted := map[string]int{
		"info": 0, "runp": 1, "create": 3, "start": 1, "inspectp": 1, "pods": 0, "stopp": 1, "rmp": 1, "rm": 1,
	}
	if count, known := wanted[command]; known && len(args) != count {
		return fmt.Errorf("takes %d arguments, got %d", count, len(args))
	}
	switch command {
	case "info":
		return printed(runtime.Status(ctx, &cri.StatusRequest{Verbose: true}))
	case "runp":
		return runPod(ctx, runtime, args[0])
	case "create":
		return create(ctx, runtime, args[0], args[1], args[2])
	case "start":
		_, err = runtime.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: args[0]})
		return err
	case "exec":
		return exec(ctx, runtime, args)
	case "inspectp":
		request := &cri.PodSandboxStatusRequest{PodSandboxId: args[0], Verbose: true}
		return printed(runtime.PodSandboxStatus(ctx, request))
	case "pods":
		return pods(ctx, runtime)
	case "stopp":
		_, err = runtime.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: args[0]})
		return err
	case "rmp":
		_, err = runtime.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: args[0]})
		return err
	case "rm":
		_, err = runtime.RemoveContainer(ctx, &cri.RemoveContainerRequest{ContainerId: args[0]})
		return err
	}
	return errors.New("no such command; cri -h lists them")
}

func runPod(ctx context.Context, runtime cri.RuntimeServiceClient, file string) error {
	config := &cri.PodSandboxConfig{}
	if err := read(file, config); err != nil {
		return err
	}
	answer, err := runtime.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: config})
	if err == nil {
		fmt.Println(answer.PodSandboxId)
	}
	return err
}

func create(ctx context.Context, runtime cri.RuntimeServiceClient, pod, containerFile, podFile string) error {
	request := &cri.CreateContainerRequest{
		PodSandboxId:  pod,
		Config:        &cri.ContainerConfig{},
		SandboxConfig: &cri.PodSandboxConfig{},
	}
	err := errors.Join(read(containerFile, request.Config), read(podFile, request.SandboxConfig))
	if err != nil {
		return err
	}
	answer, err := runtime.CreateContainer(ctx, request)
	if err == nil {
		fmt.Println(answer.ContainerId)
	}
	return err
}

func exec(ctx context.Context, runtime cri.RuntimeServiceClient, args []string) error {
	if len(args) < 2 {
		return errors.New("takes a container and a program")
	}
	answer, err := runtime.ExecSync(ctx, &cri.ExecSyncRequest{ContainerId: args[0], Cmd: args[1:]})
	if err != nil {
		return err
	}
	os.Stdout.Write(answer.Stdout)
	os.Stderr.Write(answer.Stderr)
	if answer.ExitCode != 0 {
		return exitStatus(answer.ExitCode)
	}
	return nil
}

func pods(ctx context.Context, runtime cri.RuntimeServiceClient) error {
	answer, err := runtime.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{})
	for _, pod := range answer.GetItems() {
		fmt.Println(pod.Id)
	}
	return err
}

func read(file string, into proto.Message) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// verbose is the shape that Status and PodSandboxStatus answers share: a message, and texts that hold JSON.
type verbose interface {
	proto.Message
	GetInfo() map[string]string
}

// printed writes an answer as crictl does: the state as the message says it, the texts of `info` as the JSON
// they hold.
func printed(answer verbose, err error) error {
	if err != nil {
		return err
	}
	all := map[string]json.RawMessage{}
	text, err := protojson.Marshal(answer)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	info := map[string]json.RawMessage{}
	for key, value := range answer.GetInfo() {
		if !json.Valid([]byte(value)) {
			quoted, _ := json.Marshal(value)
			value = string(quoted)
		}
		info[key] = json.RawMessage(value)
	}
	if all["info"], err = json.Marshal(info); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(all)
}
