/** What is drawn by chance when a definition is completed, under one name. */
export function normalise(xml: string): string {
  return xml
    .replace(/<uuid>.*<\/uuid>/, "<uuid>DRAWN</uuid>")
    .replace(/mac address='52:54:00:(?!00:00:)[\da-f:]{8}'/g, "mac address='DRAWN'")
    .replace(/interfaceid='[^']*'/g, "interfaceid='DRAWN'")
    .trim();
}

/** Also what belongs to one run alone; and the processor, of which libvirt asks QEMU once it runs. */
export function normaliseLive(xml: string): string {
  return normalise(xml)
    .replace(/ id='\d+'>/, " id='ID'>")
    .replace(/ tty='[^']*'/g, "")
    .replace(/ *<source path='\/dev\/pts\/\d+'\/>\n/g, "")
    .replace(/path='[^']*\/([^/']+)'\/>(?=\n\s*<target type='virtio' [^>]*state=)/g, "path='CHANNELS/$1'/>")
    .replace(/ port='59\d\d' autoport='yes'/g, " port='PORT' autoport='yes'")
    .replace(/ websocket='5[78]\d\d'/g, " websocket='PORT'")
    .replace(/ {2}<cpu[^>]*(?:\/>|>[\s\S]*?<\/cpu>)\n/, "  <cpu/>\n");
}
