import { openLmdbSpace } from "../../src/space/lmdb-space.js";
import { spaceContract } from "./contract.js";
import { newDirectory } from "./homes.js";

spaceContract("LmdbSpace", (limits) => openLmdbSpace({ path: newDirectory(), limits: limits ?? {} }));
