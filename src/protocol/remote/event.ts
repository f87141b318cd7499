import { array, hyper, int, optional, struct, uhyper, uint } from "../../xdr/index.ts";
import { event, proc } from "../procedure.ts";
import { readKnown, search } from "./access.ts";
import { Domain, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

const GraphicsAddress = struct("domain_event_graphics_address", { family: int, node: string, service: string });
const GraphicsIdentity = struct("domain_event_graphics_identity", { type: string, name: string });

/** What the events 0 to 15 say. The second generation sends it as it is, the third behind the id of the subscription. */
const lifecycle = struct("domain_event_lifecycle_msg", { dom: Domain, event: int, detail: int });
const reboot = struct("domain_event_reboot_msg", { dom: Domain });
const rtcChange = struct("domain_event_rtc_change_msg", { dom: Domain, offset: hyper });
const watchdog = struct("domain_event_watchdog_msg", { dom: Domain, action: int });
const ioError = struct("domain_event_io_error_msg", { dom: Domain, srcPath: string, devAlias: string, action: int });
const ioErrorReason = struct("domain_event_io_error_reason_msg", { ...ioError.fields, reason: string });
const graphics = struct("domain_event_graphics_msg", {
  dom: Domain,
  phase: int,
  local: GraphicsAddress,
  remote: GraphicsAddress,
  authScheme: string,
  subject: array(GraphicsIdentity, 20),
});
const controlError = struct("domain_event_control_error_msg", { dom: Domain });
const blockJob = struct("domain_event_block_job_msg", { dom: Domain, path: string, type: int, status: int });
const diskChange = struct("domain_event_disk_change_msg", {
  dom: Domain,
  oldSrcPath: optional(string),
  newSrcPath: optional(string),
  devAlias: string,
  reason: int,
});
const trayChange = struct("domain_event_tray_change_msg", { dom: Domain, devAlias: string, reason: int });
const pmWakeup = struct("domain_event_pmwakeup_msg", { dom: Domain });
const pmSuspend = struct("domain_event_pmsuspend_msg", { dom: Domain });
const balloonChange = struct("domain_event_balloon_change_msg", { dom: Domain, actual: uhyper });
const pmSuspendDisk = struct("domain_event_pmsuspend_disk_msg", { dom: Domain });
const deviceRemoved = struct("domain_event_device_removed_msg", { dom: Domain, devAlias: string });

/** Subscribing to events of domains, in three generations of the protocol; a client uses one. */
const subscriptions = {
  /** First generation: lifecycle alone. The result is always 0. */
  connectDomainEventRegister: proc(105, { ret: { cbRegistered: int }, ...search("domains", "domain") }),
  /** Ends the subscription of the first generation. The result is always 0. */
  connectDomainEventDeregister: proc(106, { ret: { cbRegistered: int }, ...readKnown("connect") }),
  /** Second generation: by event id, 0 to 15, for all domains. */
  connectDomainEventRegisterAny: proc(167, { args: { eventId: int }, ...search("domains", "domain") }),
  /** Ends a subscription of the second generation. */
  connectDomainEventDeregisterAny: proc(168, { args: { eventId: int }, ...readKnown("connect") }),
  /** Third generation: each subscription has an id of its own, and may be for one domain. */
  connectDomainEventCallbackRegisterAny: proc(316, {
    args: { eventId: int, dom: optional(Domain) },
    ret: { callbackId: int },
    ...search("domains", "domain"),
    api: "virConnectDomainEventRegisterAny",
  }),
  /** Ends a subscription of the third generation. */
  connectDomainEventCallbackDeregisterAny: proc(317, {
    args: { callbackId: int },
    ...readKnown("connect"),
    api: "virConnectDomainEventDeregisterAny",
  }),
} as const;

/** Events 0 to 15 for the first two generations. */
const legacy = {
  /** It was defined, started, paused, ended and so on: numbers of `Lifecycle`. */
  domainEventLifecycle: event(107, lifecycle.fields),
  /** The guest has rebooted. */
  domainEventReboot: event(169, reboot.fields),
  /** The guest has set its clock; `offset` to UTC is in seconds. */
  domainEventRtcChange: event(170, rtcChange.fields),
  /** The guest's watchdog has fired, and this was done about it. */
  domainEventWatchdog: event(171, watchdog.fields),
  /** A disk has failed, and this was done about it. */
  domainEventIoError: event(172, ioError.fields),
  /** Somebody has connected to a screen, proved who he is, or left. */
  domainEventGraphics: event(173, graphics.fields),
  /** A disk has failed, with the reason: "enospc". */
  domainEventIoErrorReason: event(195, ioErrorReason.fields),
  /** The hypervisor cannot be talked to about the domain any more. */
  domainEventControlError: event(224, controlError.fields),
  /** The job on a disk, named by its source, has ended or is ready to end. */
  domainEventBlockJob: event(241, blockJob.fields),
  /** A disk has got another source, or none. */
  domainEventDiskChange: event(248, diskChange.fields),
  /** The tray of a drive was opened or closed. */
  domainEventTrayChange: event(268, trayChange.fields),
  /** The guest has woken up. */
  domainEventPmwakeup: event(269, pmWakeup.fields),
  /** The guest has gone to sleep. */
  domainEventPmsuspend: event(270, pmSuspend.fields),
  /** The guest's memory has changed to so many KiB. */
  domainEventBalloonChange: event(276, balloonChange.fields),
  /** The guest has gone to sleep, its memory on disk. */
  domainEventPmsuspendDisk: event(292, pmSuspendDisk.fields),
  /** A device is gone from the guest. */
  domainEventDeviceRemoved: event(311, deviceRemoved.fields),
} as const;

/** Events for the third generation. From 16 on, there is no other form. */
const modern = {
  /** `domainEventLifecycle`. */
  domainEventCallbackLifecycle: event(318, { callbackId: int, msg: lifecycle }),
  /** `domainEventReboot`. */
  domainEventCallbackReboot: event(319, { callbackId: int, msg: reboot }),
  /** `domainEventRtcChange`. */
  domainEventCallbackRtcChange: event(320, { callbackId: int, msg: rtcChange }),
  /** `domainEventWatchdog`. */
  domainEventCallbackWatchdog: event(321, { callbackId: int, msg: watchdog }),
  /** `domainEventIoError`. */
  domainEventCallbackIoError: event(322, { callbackId: int, msg: ioError }),
  /** `domainEventGraphics`. */
  domainEventCallbackGraphics: event(323, { callbackId: int, msg: graphics }),
  /** `domainEventIoErrorReason`. */
  domainEventCallbackIoErrorReason: event(324, { callbackId: int, msg: ioErrorReason }),
  /** `domainEventControlError`. */
  domainEventCallbackControlError: event(325, { callbackId: int, msg: controlError }),
  /** `domainEventBlockJob`. */
  domainEventCallbackBlockJob: event(326, { callbackId: int, msg: blockJob }),
  /** `domainEventDiskChange`. */
  domainEventCallbackDiskChange: event(327, { callbackId: int, msg: diskChange }),
  /** `domainEventTrayChange`. */
  domainEventCallbackTrayChange: event(328, { callbackId: int, msg: trayChange }),
  /** `domainEventPmwakeup`. `reason` is always 0. */
  domainEventCallbackPmwakeup: event(329, { callbackId: int, reason: int, msg: pmWakeup }),
  /** `domainEventPmsuspend`. `reason` is always 0. */
  domainEventCallbackPmsuspend: event(330, { callbackId: int, reason: int, msg: pmSuspend }),
  /** `domainEventBalloonChange`. */
  domainEventCallbackBalloonChange: event(331, { callbackId: int, msg: balloonChange }),
  /** `domainEventPmsuspendDisk`. `reason` is always 0. */
  domainEventCallbackPmsuspendDisk: event(332, { callbackId: int, reason: int, msg: pmSuspendDisk }),
  /** `domainEventDeviceRemoved`. */
  domainEventCallbackDeviceRemoved: event(333, { callbackId: int, msg: deviceRemoved }),
  /** The job on a disk, named by its target, has ended or is ready to end. */
  domainEventBlockJob2: event(339, { callbackId: int, dom: Domain, dst: string, type: int, status: int }),
  /** Limits of the domain were changed; the parameters are named "cputune.vcpupin0" and the like. */
  domainEventCallbackTunable: event(346, { callbackId: int, dom: Domain, params: typedParams(2_048) }),
  /** The guest's agent has come or gone. */
  domainEventCallbackAgentLifecycle: event(348, { callbackId: int, dom: Domain, state: int, reason: int }),
  /** A device has come to the guest. */
  domainEventCallbackDeviceAdded: event(354, { callbackId: int, dom: Domain, devAlias: string }),
  /** A migration begins to send its memory once more. */
  domainEventCallbackMigrationIteration: event(359, { callbackId: int, dom: Domain, iteration: int }),
  /** A job on the domain has ended; the parameters are those of `domainGetJobStats`. */
  domainEventCallbackJobCompleted: event(363, { callbackId: int, dom: Domain, params: typedParams(64) }),
  /** The guest did not let go of a device. */
  domainEventCallbackDeviceRemovalFailed: event(367, { callbackId: int, dom: Domain, devAlias: string }),
  /** Title, description or an element of the user's own has changed. */
  domainEventCallbackMetadataChange: event(379, {
    callbackId: int,
    dom: Domain,
    type: int,
    nsuri: optional(string),
  }),
  /** The guest has written `excess` bytes beyond the threshold of a disk. */
  domainEventBlockThreshold: event(385, {
    callbackId: int,
    dom: Domain,
    dev: string,
    path: optional(string),
    threshold: uhyper,
    excess: uhyper,
  }),
  /** The host's memory has failed under the guest. */
  domainEventMemoryFailure: event(423, { callbackId: int, dom: Domain, recipient: int, action: int, flags: uint }),
  /** A memory device has got another size, in KiB. */
  domainEventMemoryDeviceSizeChange: event(438, { callbackId: int, dom: Domain, alias: string, size: uhyper }),
  /** A network interface has got another MAC address. */
  domainEventNicMacChange: event(453, { callbackId: int, dom: Domain, alias: string, oldMac: string, newMac: string }),

  /** The driver has lost its hypervisor; to clients with a close callback. */
  connectEventConnectionClosed: event(362, { reason: int }),
} as const;

/** Events of domains. */
export const events: typeof subscriptions & typeof legacy & typeof modern = { ...subscriptions, ...legacy, ...modern };
