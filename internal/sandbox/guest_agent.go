package sandbox

import "context"

func (m *guestMachineState) poll(context.Context) {}
