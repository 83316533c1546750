/** Everything a stranger can make the server hold or wait for. Times in milliseconds. */
export interface ServerLimits {
  /** A request's headers, or the TLS handshake, or what a proxy says ahead of both, have to be there after this. */
  readonly headersTimeoutMs: number;
  /** A whole request has to be there after this. */
  readonly requestTimeoutMs: number;
  /** How often the two above are looked at. */
  readonly connectionsCheckingIntervalMs: number;
  /** Request line and headers. */
  readonly headerBytesMax: number;
  /** TCP connections in all. Beyond any of these four, a new one is cut at once. */
  readonly connectionsMax: number;
  /** From one network: an IPv4 address, or the /64 of an IPv6 address, which is one host's own. */
  readonly connectionsPerAddressMax: number;
  /** TCP connections on which nobody has proved who they are, whether or not they have asked for anything. */
  readonly unauthenticatedMax: number;
  readonly unauthenticatedPerAddressMax: number;
}

export const serverLimits: ServerLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  connectionsCheckingIntervalMs: 1_000,
  headerBytesMax: 8 * 1024,
  connectionsMax: 10_000,
  connectionsPerAddressMax: 200,
  unauthenticatedMax: 1_000,
  unauthenticatedPerAddressMax: 20,
};
