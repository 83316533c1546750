/** What a keystone may make a peer hold or compute, by name. Lengths are characters, indexes and sizes counts. */
export const keystoneLimits = {
  poolsMax: 8,
  /** Challenges in a pool that lists them. */
  listSizeMax: 16,
  /** A pool of more challenges than this commits by Merkle root, where its selection and replenishment allow it. */
  listSizeBeforeMerkle: 4,
  /** Challenges behind a Merkle root; making a frame derives them all, checking one hashes the path. */
  merkleSizeMax: 4096,
  merklePathMax: 12,
  /** Solutions of one proof: so many signatures does one frame cost at most. */
  solutionsMax: 8,
  /** A pool never issues a challenge with a higher index; frames of a keystone are numbered up to it as well. */
  indexMax: 0xffff_ffff,
  verbsMax: 8,
  /** Names of pools and verbs. */
  nameLengthMax: 32,
  /** A claim's target and its scope. */
  targetLengthMax: 512,
  /** `details` and `revocation`, each as JSON text. */
  detailsLengthMax: 8192,
} as const;
