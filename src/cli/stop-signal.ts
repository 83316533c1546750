/** Ctrl-C and a service manager's stop: the first asks to end in order, the second ends the process at once. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /** Takes the listeners away. */
  release(): void;
}

const numbers = { SIGINT: 2, SIGTERM: 15 } as const;

export function listenForStop(): StopSignal {
  const stop = new AbortController();
  const onStop = (name: keyof typeof numbers) => {
    if (stop.signal.aborted) process.exit(128 + numbers[name]);
    stop.abort();
  };
  process.on("SIGINT", onStop).on("SIGTERM", onStop);
  return {
    signal: stop.signal,
    release: () => void process.off("SIGINT", onStop).off("SIGTERM", onStop),
  };
}
