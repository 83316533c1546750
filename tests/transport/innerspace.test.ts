import { createInnerspace } from "../../src/transport/innerspace.js";
import { type Network, transportContract } from "./contract.js";

transportContract("innerspace", async (options) => {
  const space = createInnerspace(options);
  const network: Network = {
    dial: space.dial,
    onConnection: () => {},
    vanish: () => space.sever(),
    stop: async () => stop(),
  };
  const stop = space.listen((connection) => network.onConnection(connection));
  return network;
});
