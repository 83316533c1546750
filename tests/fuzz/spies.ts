/** Looks over the shoulder of real peers: imported first, so that they are built on what is watched here. */
import { vi } from "vitest";

vi.mock("../../src/keystone/next-frame.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/keystone/next-frame.js")>();
  const { recorder } = await import("./notes.js");
  const signFrame: typeof original.signFrame = (unsigned, state, secretFor) => {
    const frame = original.signFrame(unsigned, state, secretFor);
    recorder.notes?.signings.push({ unsigned, state, secretFor, frame });
    return frame;
  };
  return { ...original, signFrame };
});

vi.mock("../../src/saga/turn.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/saga/turn.js")>();
  const { recorder } = await import("./notes.js");
  const signTurn: typeof original.signTurn = (before, role, draft, secretFor) => {
    const result = original.signTurn(before, role, draft, secretFor);
    recorder.notes?.spoken.set(JSON.stringify(result.signed), { before, draft, secretFor });
    recorder.notes?.wentOn(before, result.dialogue, true);
    return result;
  };
  const checkTurn: typeof original.checkTurn = (before, ...rest) => {
    const result = original.checkTurn(before, ...rest);
    recorder.notes?.wentOn(before, result.dialogue, false);
    return result;
  };
  const tallyPayload: typeof original.tallyPayload = (before, role, frame, content) => {
    const after = original.tallyPayload(before, role, frame, content);
    const isOwnWord = recorder.notes?.ownerOf(before) === role;
    if (isOwnWord) recorder.notes?.counted.set(frame, before);
    recorder.notes?.wentOn(before, after, isOwnWord);
    return after;
  };
  return { ...original, signTurn, checkTurn, tallyPayload };
});

vi.mock("../../src/saga/sender-handshake.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/saga/sender-handshake.js")>();
  const { recorder } = await import("./notes.js");
  const startSenderHandshake: typeof original.startSenderHandshake = (...args) => {
    const state = original.startSenderHandshake(...args);
    recorder.notes?.stepped("sender", "handshake", state);
    return state;
  };
  const stepSenderHandshake: typeof original.stepSenderHandshake = (...args) => {
    const step = original.stepSenderHandshake(...args);
    recorder.notes?.stepped("sender", "handshake", step.state);
    return step;
  };
  return { ...original, startSenderHandshake, stepSenderHandshake };
});

vi.mock("../../src/saga/receiver-handshake.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/saga/receiver-handshake.js")>();
  const { recorder } = await import("./notes.js");
  const startReceiverHandshake: typeof original.startReceiverHandshake = (...args) => {
    const state = original.startReceiverHandshake(...args);
    recorder.notes?.stepped("receiver", "handshake", state);
    return state;
  };
  const stepReceiverHandshake: typeof original.stepReceiverHandshake = (...args) => {
    const step = original.stepReceiverHandshake(...args);
    recorder.notes?.stepped("receiver", "handshake", step.state);
    return step;
  };
  return { ...original, startReceiverHandshake, stepReceiverHandshake };
});

vi.mock("../../src/saga/sender-saga.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/saga/sender-saga.js")>();
  const { recorder } = await import("./notes.js");
  const startSenderSaga: typeof original.startSenderSaga = (...args) => {
    const step = original.startSenderSaga(...args);
    recorder.notes?.stepped("sender", "saga", step.state);
    return step;
  };
  const stepSenderSaga: typeof original.stepSenderSaga = (...args) => {
    const step = original.stepSenderSaga(...args);
    recorder.notes?.stepped("sender", "saga", step.state);
    return step;
  };
  return { ...original, startSenderSaga, stepSenderSaga };
});

vi.mock("../../src/saga/receiver-saga.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/saga/receiver-saga.js")>();
  const { recorder } = await import("./notes.js");
  const awaitSaga: typeof original.awaitSaga = (...args) => {
    const state = original.awaitSaga(...args);
    recorder.notes?.stepped("receiver", "saga", state);
    return state;
  };
  const stepReceiverSaga: typeof original.stepReceiverSaga = (...args) => {
    const step = original.stepReceiverSaga(...args);
    recorder.notes?.stepped("receiver", "saga", step.state);
    return step;
  };
  return { ...original, awaitSaga, stepReceiverSaga };
});
