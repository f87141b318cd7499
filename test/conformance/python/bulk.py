"""Lists and statistics of many domains, and texts of every length and alphabet."""

import libvirt
from asking import *

connection = libvirt.open(uri)


def named(domains):
    return [each.name() for each in domains]


for number, name in enumerate(["running", "paused", "stopped", "saved", "snapped", "auto"]):
    connection.defineXML(domain_xml(name, numbered_uuid(number)))
for name in ("running", "paused", "saved"):
    connection.lookupByName(name).create()
connection.lookupByName("paused").suspend()
connection.lookupByName("saved").managedSave(0)
connection.lookupByName("snapped").snapshotCreateXML("<domainsnapshot/>", 0)
connection.lookupByName("auto").setAutostart(1)
connection.createXML(domain_xml("transient", numbered_uuid(6)), 0)

for flags in range(1 << 14):
    # Every pair of flags from different groups and some beyond: with one bit, two bits, or all of a group.
    if bin(flags).count("1") <= 2 or flags in (0x3FF0, 0x3FFF):
        ask(f"list {flags:#x}", lambda: sorted(named(connection.listAllDomains(flags))))
for flags in (1 << 14, 1 << 15, 1 << 16, 1 << 20, 1 << 30):
    ask(f"list {flags:#x}", lambda: sorted(named(connection.listAllDomains(flags))))
ask("ids", lambda: sorted(connection.listDomainsID()))
ask("defined", lambda: sorted(connection.listDefinedDomains()))
ask("counts", lambda: (connection.numOfDomains(), connection.numOfDefinedDomains()))


def stats(kinds, flags):
    found = connection.getAllDomainStats(kinds, flags)
    found = {domain.name(): values for domain, values in found}
    # CPU time grows.
    for values in found.values():
        for key in ("cpu.time", "cpu.user", "cpu.system"):
            if key in values:
                values[key] = "some"
    return dict(sorted(found.items()))


for kind in range(12):
    ask(f"statistics {1 << kind:#x}", stats, 1 << kind, 0)
    ask(f"statistics {1 << kind:#x}, enforced", stats, 1 << kind, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS)
ask("statistics: all", stats, 0, 0)
for flag in (0, *range(4, 32)):
    bit = 1 << flag if flag < 31 else -(1 << 31)
    ask(f"statistics of {bit:#x}", lambda: sorted(stats(1, bit)))
some = [connection.lookupByName(name) for name in ("paused", "transient", "auto", "paused")]
ask("statistics of a list", lambda: [(d.name(), v) for d, v in connection.domainListGetStats(some, 1, 0)])
ask("statistics of an empty list", lambda: connection.domainListGetStats([], 1, 0))
gone = connection.defineXML(domain_xml("gone"))
gone.undefine()
ask("statistics of a gone one", lambda: [(d.name(), v) for d, v in connection.domainListGetStats([gone, some[0]], 1, 0)])
ask("statistics of a gone one, all kinds", lambda: len(connection.domainListGetStats([gone], 0, 0)))

odd = {
    "umlaut": "\u00e4\u00f6\u00fc\u00df",
    "emoji": "\U0001f40b\U0001f433",
    "right to left": "\u05d0\u05d1\u05d2",
    "combining": "e\u0301",
    "spaces": "a b  c",
    "leading space": " a",
    "trailing space": "a ",
    "dot": "a.b",
    "leading dot": ".a",
    "dashes": "--help",
    "entities": "a&amp;b&lt;c",
    "quotes": "a'b\"c",
    "backslash": "a\\b",
    "percent": "%s%d%n",
    "slash": "a/b",
    "newline": "a\nb",
    "tab": "a\tb",
    "number": "42",
    "uuid": "10000000-0000-4000-8000-00000000ffff",
    "empty": "",
    "blank": " ",
    "dot alone": ".",
    "long: 255": "n" * 255,
    "long: 256": "n" * 256,
    "long: 4000": "n" * 4000,
    "character reference": "a&#65;",
    "control reference": "a&#1;",
    "line reference": "a&#10;b",
    "cdata": "<![CDATA[a<b]]>",
    "comment": "a<!-- b -->c",
}
for number, (kind, name) in enumerate(odd.items()):
    ask(f"a name: {kind}", lambda: connection.defineXML(domain_xml(name, numbered_uuid(100 + number))))
    ask(f"a name, looked up: {kind}", connection.lookupByName, name)
    ask(f"a name, in its definition: {kind}", lambda: connection.lookupByUUIDString(numbered_uuid(100 + number)).XMLDesc(0).split("<uuid>")[0])
texts = {
    "title, two lines": "<title>a\nb</title>",
    "title, emoji": "<title>\U0001f40b</title>",
    "title, blank": "<title>  </title>",
    "title, entities": "<title>&lt;a&gt; &amp; &quot;b&quot; &apos;c&apos;</title>",
    "description, lines": "<description>a\n  b\r\nc</description>",
    "description, cdata": "<description><![CDATA[<x>&]]></description>",
    "metadata": "<metadata><m:a xmlns:m='http://m/'>x<m:b c='1'/>y</m:a></metadata>",
    "metadata, two of a namespace": "<metadata><m:a xmlns:m='http://m/'/><m:b xmlns:m='http://m/'/></metadata>",
    "metadata without namespace": "<metadata><a/></metadata>",
    "description, long": "<description>" + "d" * 200000 + "</description>",
}
for kind, extra in texts.items():
    ask(f"a text: {kind}: define", lambda: connection.defineXML(domain_xml("odd", numbered_uuid(200), extra)))
    ask(f"a text: {kind}", lambda: connection.lookupByName("odd").XMLDesc(0)[:1500])
odd_documents = {
    "empty": "",
    "blank": "  ",
    "no XML": "hello",
    "a declaration": "<?xml version='1.0' encoding='UTF-8'?>" + domain_xml("odd", numbered_uuid(200)),
    "a comment before": "<!-- a -->" + domain_xml("odd", numbered_uuid(200)),
    "two roots": domain_xml("odd") + "<a/>",
    "text behind": domain_xml("odd") + "a",
    "white space before": "\n " + domain_xml("odd", numbered_uuid(200)),
    "twice the same attribute": "<domain type='test' type='test'/>",
    "an undefined entity": "<domain type='test'><name>&foo;</name></domain>",
    "an undeclared prefix": domain_xml("odd", numbered_uuid(200), "<a:b/>"),
    "another root": "<network/>",
    "no type": "<domain><name>a</name></domain>",
}
for kind, document in odd_documents.items():
    ask(f"a document: {kind}", connection.defineXML, document)

limit = 4194304


def long_text(length):
    try:
        connection.defineXML(domain_xml("odd", numbered_uuid(200), f"<description>{'d' * length}</description>"))
        return len(connection.lookupByName("odd").XMLDesc(0)) > length
    except libvirt.libvirtError as failure:
        return error(failure)


for length in (900000, limit - 1000, limit, limit + 1):
    ask(f"a definition of about {length}", long_text, length)
for length in (limit - 5, limit, limit + 1):
    ask(f"a name of {length}", lambda: len(str(connection.lookupByName("n" * length))))
ask("still there", connection.isAlive)
ask("metadata, long", lambda: connection.lookupByName("odd").setMetadata(0, "d" * 100000, None, None, 2))
ask("metadata, as long", lambda: len(connection.lookupByName("odd").metadata(0, None, 2)))

before = connection.numOfDefinedDomains()
for number in range(500):
    connection.defineXML(domain_xml(f"many{number:03}", numbered_uuid(1000 + number)))
ask("five hundred", lambda: connection.numOfDefinedDomains() - before)
ask("five hundred listed", lambda: len([1 for each in connection.listAllDomains() if each.name().startswith("many")]))
for number in range(0, 500, 2):
    connection.lookupByName(f"many{number:03}").create()
ask("half of them run", lambda: len([1 for each in connection.listAllDomains(1) if each.name().startswith("many")]))
ask("ids of many", lambda: len(set(connection.listDomainsID())) == connection.numOfDomains())
ask("statistics of many", lambda: len([1 for each, _ in connection.getAllDomainStats(0, 0) if each.name().startswith("many")]))
ask("statistics of many, active", lambda: len([1 for each, _ in connection.getAllDomainStats(0, 1) if each.name().startswith("many")]))
