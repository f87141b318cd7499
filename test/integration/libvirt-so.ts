import koffi, { type LibraryHandle } from "koffi";

/** libvirt.so of this machine, or why there is none. Loaded by the tests that hand loops to it and take its own. */
export function loadLibvirt(): LibraryHandle | string {
  try {
    return koffi.load("libvirt.so.0");
  } catch {
    return "libvirt.so.0 is not installed: apt-get install libvirt-clients";
  }
}

/** The C types of libvirt's event interface. One set for a process: koffi's named types are global. */
export const types = {
  handleCallback: koffi.pointer(koffi.proto("void vw_handle_callback(int watch, int fd, int events, void *opaque)")),
  timerCallback: koffi.pointer(koffi.proto("void vw_timer_callback(int timer, void *opaque)")),
  release: koffi.pointer(koffi.proto("void vw_release(void *opaque)")),
};
