/** The devices of the host that libvirt's test hypervisor has at first: a computer, and adapters of Fibre Channel. */
export const defaultDevices: readonly string[] = [
  `
<device>
  <name>computer</name>
  <capability type='system'>
    <hardware>
      <vendor>Libvirt</vendor>
      <version>Test driver</version>
      <serial>123456</serial>
      <uuid>11111111-2222-3333-4444-555555555555</uuid>
    </hardware>
    <firmware>
      <vendor>Libvirt</vendor>
      <version>Test Driver</version>
      <release_date>01/22/2007</release_date>
    </firmware>
  </capability>
</device>`,
  adapter(1, 0, "12341234", "43214321"),
  adapter(2, 1, "56785678", "87658765"),
  `
<device>
  <name>scsi_host11</name>
  <parent>scsi_host1</parent>
  <capability type='scsi_host'>
    <host>11</host>
    <unique_id>10</unique_id>
    <capability type='fc_host'>
      <wwnn>2000000034563456</wwnn>
      <wwpn>1000000034563456</wwpn>
      <fabric_wwn>2000000043214321</fabric_wwn>
    </capability>
  </capability>
</device>`,
];

/** One that can have virtual ones; the last digits of its names and of its fabric's. */
function adapter(host: number, id: number, digits: string, fabric: string): string {
  return `
<device>
  <name>scsi_host${host}</name>
  <parent>computer</parent>
  <capability type='scsi_host'>
    <host>${host}</host>
    <unique_id>${id}</unique_id>
    <capability type='fc_host'>
      <wwnn>20000000${digits}</wwnn>
      <wwpn>10000000${digits}</wwpn>
      <fabric_wwn>20000000${fabric}</fabric_wwn>
    </capability>
    <capability type='vport_ops'>
      <max_vports>0</max_vports>
      <vports>0</vports>
    </capability>
  </capability>
</device>`;
}
