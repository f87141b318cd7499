/** The host as libvirt's test hypervisor describes it. */
export const capabilities = `<capabilities>

  <host>
    <cpu>
      <arch>i686</arch>
      <features>
        <pae/>
        <nonpae/>
      </features>
      <pages unit='KiB' size='4'/>
      <pages unit='KiB' size='8'/>
      <pages unit='KiB' size='2048'/>
      <pages unit='KiB' size='1048576'/>
    </cpu>
    <power_management/>
    <iommu support='no'/>
    <topology>
      <cells num='2'>
${cell(0, 2_097_152, 4)}${cell(1, 4_194_304, 8)}      </cells>
    </topology>
    <secmodel>
      <model>testSecurity</model>
      <doi></doi>
    </secmodel>
  </host>

${guest("hvm")}${guest("xen")}</capabilities>
`;

export const sysinfo = `<sysinfo type='smbios'>
  <bios>
    <entry name='vendor'>LENOVO</entry>
    <entry name='version'>G4ETA1WW (2.61 )</entry>
    <entry name='date'>05/07/2014</entry>
    <entry name='release'>2.61</entry>
  </bios>
</sysinfo>
`;

/** A NUMA cell of eight CPUs; `pageKib` is the size of its small pages. */
function cell(id: number, memoryKib: number, pageKib: number): string {
  const cpus = Array.from({ length: 8 }, (_, core) => {
    const cpu = id * 8 + core;
    return `            <cpu id='${cpu}' socket_id='${id}' die_id='0' core_id='${core}' siblings='${cpu}'/>\n`;
  });
  return `        <cell id='${id}'>
          <memory unit='KiB'>${memoryKib}</memory>
          <pages unit='KiB' size='${pageKib}'>${memoryKib / pageKib}</pages>
          <pages unit='KiB' size='2048'>0</pages>
          <pages unit='KiB' size='1048576'>0</pages>
          <cpus num='8'>
${cpus.join("")}          </cpus>
        </cell>
`;
}

function guest(osType: string): string {
  return `  <guest>
    <os_type>${osType}</os_type>
    <arch name='i686'>
      <wordsize>32</wordsize>
      <emulator>/usr/bin/test-hv</emulator>
      <domain type='test'/>
    </arch>
    <features>
      <pae/>
      <nonpae/>
    </features>
  </guest>

`;
}
