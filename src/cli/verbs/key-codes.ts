/** Keys by Linux's names and in the order of their numbers, from 1 on; "-" is none. */
const linuxKeys = [
  "ESC 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL BACKSPACE TAB Q W E R T Y U I O P LEFTBRACE RIGHTBRACE ENTER LEFTCTRL A S D F G H",
  "J K L SEMICOLON APOSTROPHE GRAVE LEFTSHIFT BACKSLASH Z X C V B N M COMMA DOT SLASH RIGHTSHIFT KPASTERISK LEFTALT",
  "SPACE CAPSLOCK F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NUMLOCK SCROLLLOCK KP7 KP8 KP9 KPMINUS KP4 KP5 KP6 KPPLUS KP1 KP2 KP3",
  "KP0 KPDOT - ZENKAKUHANKAKU 102ND F11 F12 RO KATAKANA HIRAGANA HENKAN KATAKANAHIRAGANA MUHENKAN KPJPCOMMA KPENTER",
  "RIGHTCTRL KPSLASH SYSRQ RIGHTALT LINEFEED HOME UP PAGEUP LEFT RIGHT END DOWN PAGEDOWN INSERT DELETE MACRO MUTE",
  "VOLUMEDOWN VOLUMEUP POWER KPEQUAL KPPLUSMINUS PAUSE SCALE KPCOMMA HANGEUL HANJA YEN LEFTMETA RIGHTMETA COMPOSE STOP",
  "AGAIN PROPS UNDO FRONT COPY OPEN PASTE FIND CUT HELP MENU CALC SETUP SLEEP WAKEUP",
]
  .join(" ")
  .split(" ");

/** The number of a key: itself, or of its name among Linux's. */
export function keyCode(word: string, codeset: string): number | undefined {
  if (/^\d+$|^0x[0-9a-f]+$/i.test(word)) {
    const code = Number(word);
    return code > 0 && code <= 0xffff ? code : undefined;
  }
  if (codeset !== "linux" || !word.startsWith("KEY_") || word === "KEY_-") return undefined;
  const at = linuxKeys.indexOf(word.slice("KEY_".length));
  return at < 0 ? undefined : at + 1;
}

/** VIR_DOMAIN_PROCESS_SIGNAL_*, in their order. */
const signals = [
  "nop hup int quit ill trap abrt bus fpe kill usr1 segv usr2 pipe alrm term stkflt chld cont stop tstp ttin ttou urg",
  "xcpu xfsz vtalrm prof winch poll pwr sys",
]
  .join(" ")
  .split(" ");
const realTime = 33;

/** "kill", "SIG_KILL", "rt3" or 9. */
export function signalNumber(name: string): number | undefined {
  const word = name.toLowerCase().replace(/^sig_?/, "");
  if (/^\d+$/.test(word)) return Number(word);
  const rt = /^rt(\d+)$/.exec(word)?.[1];
  if (rt !== undefined) return Number(rt) < realTime ? signals.length + Number(rt) : undefined;
  const at = signals.indexOf(word);
  return at < 0 ? undefined : at;
}
