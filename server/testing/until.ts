/**
 * Waits for a condition, by looking again after the event loop has turned. There is no deadline of its own: a
 * test that waits for what never comes is ended by the runner.
 */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 5))
}
