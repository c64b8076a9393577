package sandbox

import "time"

// A guest is the inside of AppStream's image builders: what listens on their addresses and runs commands.
// Its methods are called one after the other, never with the state locked, so that they may call the
// guestService back.
type guest interface {
	// start boots a machine, for the first time or again after stop. It returns when the machine can be
	// reached; an error becomes a line of the sandbox's log, and the builder is RUNNING and unreachable.
	start(m guestMachine) error
	// stop cuts all connections. The disk stays. A machine that does not run is left alone.
	stop(builderARN string)
	// retire stops a machine after the command that runs in it has ended and its answer was fetched. It does
	// not wait for that.
	retire(builderARN string)
	// discard forgets a stopped machine and its disk.
	discard(builderARN string)
	// close stops all machines and returns when nothing of them runs any more.
	close()
}

// A guestMachine is an image builder as a guest has to know it.
type guestMachine struct {
	ARN, Name, Region, Account string
	// Address is the builder's own address on loopback, in 127.0.0.0/8. The same builder may come back
	// with another one.
	Address      string
	Platform     string // "WINDOWS_SERVER_2022", "RHEL8"
	InstanceType string
	ImageARN     string
	RoleARN      string // of the role inside; "" without one
	Domain       string // the directory it joined; "" without one
	AgentVersion string
	// Applications is the catalogue that the builder's image brings, in the members of AppStream's Application.
	Applications []object
	// Layers are the directories that the image consists of, newest first, as an AMI's are.
	Layers []string
}

// A guestService is what the inside of a builder may ask of the service around it.
type guestService interface {
	// createImage is what Image Assistant's create-image starts: the builder goes to SNAPSHOTTING, the image
	// to PENDING. An error that is a *guestRefusal is Image Assistant's own message.
	createImage(builderARN string, o guestImage) error
	// reboot says that the machine restarts itself: the builder is REBOOTING for a while, and is then started anew.
	reboot(builderARN string) error
	// clock is the sandbox's time.
	clock() time.Time
}

// A guestImage is what create-image was told.
type guestImage struct {
	Name, Description, DisplayName string
	DynamicCatalog                 bool // --enable-dynamic-app-catalog
	LatestAgent                    bool // --use-latest-agent-version
	Tags                           map[string]string
	Applications                   []object // the catalogue, in the members of AppStream's Application
	DryRun                         bool     // only says what would be refused
	Layers                         []string // what the image consists of, newest first
}

var _ guestService = (*appStream)(nil)

// A guestRefusal is a message of Image Assistant's, which exits with 1 behind it.
type guestRefusal struct{ Message string } //nolint:errname // no error of the sandbox's: what another program prints

// Error implements error.
func (r *guestRefusal) Error() string { return r.Message }
