/** A reason not to start that the person who starts the app can cure. Its message is all they need: no stack trace. */
export class BootError extends Error {
  override readonly name = 'BootError';
}
