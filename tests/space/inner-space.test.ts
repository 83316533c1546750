import { InnerSpace } from "../../src/space/index.js";
import { spaceContract } from "./contract.js";

spaceContract("InnerSpace", async (limits) => new InnerSpace({ limits: limits ?? {} }));
