package main

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// A delay line for packets, for kernels that have no netem.
func delay(device, duration string) error {
	wait, err := time.ParseDuration(duration)
	if err != nil {
		return err
	}
	tun, err := syscall.Open("/dev/net/tun", syscall.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("/dev/net/tun: %w", err)
	}
	var request struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:syscall.IFNAMSIZ-1], device)
	request.flags = syscall.IFF_TUN | syscall.IFF_NO_PI
	if _, _, failure := syscall.Syscall(syscall.SYS_IOCTL, uintptr(tun), syscall.TUNSETIFF, uintptr(unsafe.Pointer(&request))); failure != 0 {
		return fmt.Errorf("device %s: %w", device, failure)
	}
	type packet struct {
		due   time.Time
		bytes []byte
	}
	line := make(chan packet, 100_000)
	go func() {
		for packet := range line {
			time.Sleep(time.Until(packet.due))
			// Refused only while the device is down: the packet is lost then, as it would be on a wire.
			_, _ = syscall.Write(tun, packet.bytes)
		}
	}()
	buffer := make([]byte, 65_536)
	for {
		size, err := syscall.Read(tun, buffer)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		line <- packet{time.Now().Add(wait), append([]byte(nil), buffer[:size]...)}
	}
}
