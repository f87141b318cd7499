/** The bytes, or a value to be turned into bytes, are not what the protocol allows. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
