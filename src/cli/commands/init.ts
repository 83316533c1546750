import { createHome } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { homeDir, note, print } from "../context.js";
import { choosePassphrase } from "../passphrase.js";

export const init = defineCommand({
  name: "init",
  summary: "Make this device's identity.",
  about: `Makes a home with a new identity and prints the identity's address and, once, its recovery secret.
The device's own secret is locked with a passphrase, from a prompt or from KEYSAGA_PASSPHRASE.`,
  operands: [],
  options: {
    home: commonOptions.home,
    "no-passphrase": {
      type: "boolean",
      about: "Keep the secret unlocked, in a file that only its owner may read.",
    },
  },
  examples: ["keysaga init", "keysaga init --home ./receiver --no-passphrase"],
  async run(context, values) {
    const dir = homeDir(context, values.home);
    const passphrase = values["no-passphrase"] ? undefined : await choosePassphrase(context);
    const { address, recoverySecret } = await createHome({ dir, passphrase });
    print(context, `identity         ${address}`);
    print(context, `recovery secret  ${recoverySecret}`);
    note(context, "");
    for (const line of aboutTheSecret) note(context, line);
    return exitCodes.ok;
  },
});

const aboutTheSecret = [
  "Write the recovery secret down and keep it away from this device: it is not stored, and will not be shown again.",
  "Today nothing can be done with it: this version cannot recover an identity, so if this device or its passphrase is",
  "lost, so is the identity. A later version will need the secret for that.",
];
