/** What is drawn onto the character before: marks, what is not seen at all, and the later parts of Korean syllables. */
const zero = /^(?!\u00ad)[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff\ud7b0-\ud7fb]$/u;
/** What takes two columns of a terminal: East Asia's wide characters (UAX #11), and pictures, though no halves of flags. */
const wide =
  /^[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]$/u;
const picture = /^(?!\p{Regional_Indicator})\p{Emoji_Presentation}$/u;
const plain = /^[ -~]*$/;

function widthOf(character: string): number {
  if (zero.test(character)) return 0;
  return wide.test(character) || picture.test(character) ? 2 : 1;
}

/** How many columns of a terminal a text takes. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  return Array.from(text).reduce((sum, character) => sum + widthOf(character), 0);
}

/** As much of the beginning of a text as so many columns have room for. */
export function cutToWidth(text: string, columns: number): string {
  let left = columns;
  const characters = Array.from(text);
  const end = characters.findIndex((character) => (left -= widthOf(character)) < 0);
  return end < 0 ? text : characters.slice(0, end).join("");
}
