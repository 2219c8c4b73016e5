import type { Answer, ApiClient } from './api-client.ts'
import { pageOf, PRODUCTS_PATH, type Catalogue } from './catalogue.ts'

/**
 * Deletes what the run has made, `concurrency` at a time: first the rows that it knows, then those whose
 * answer never came, which it finds by their names. Gives up when `signal` aborts. What is left stays in
 * `catalogue.ownIds`.
 */
export async function tidyUp(options: {
  readonly client: ApiClient
  readonly catalogue: Catalogue
  readonly concurrency: number
  readonly signal: AbortSignal
}): Promise<void> {
  const { client, catalogue, signal } = options
  await deleteAll(catalogue.takeAllOwn(), options)
  const tried = new Set(catalogue.ownIds)
  const query = new URLSearchParams({ search: catalogue.tag, limit: '100' }).toString()
  // Each look shows one page, and deleting makes room for the next.
  while (!signal.aborted) {
    const answer = await sendQuietly(client, 'GET', `${PRODUCTS_PATH}?${query}`)
    const strays = pageOf(answer)?.items.flatMap(({ id }) => (tried.has(id) ? [] : [id])) ?? []
    if (strays.length === 0) return
    for (const id of strays) tried.add(id)
    catalogue.noteCreated(strays.length)
    await deleteAll(strays, options)
  }
}

async function deleteAll(
  ids: number[],
  {
    client,
    catalogue,
    concurrency,
    signal,
  }: {
    readonly client: ApiClient
    readonly catalogue: Catalogue
    readonly concurrency: number
    readonly signal: AbortSignal
  },
): Promise<void> {
  const work = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      const answer = signal.aborted
        ? null
        : await sendQuietly(client, 'DELETE', `${PRODUCTS_PATH}/${id}`)
      catalogue.settleDelete(id, answer)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, ids.length) }, work))
}

const sendQuietly = (
  client: ApiClient,
  method: 'GET' | 'DELETE',
  path: string,
): Promise<Answer | null> => client.send(method, path).catch(() => null)
