import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { endingOf, type FileFate, type WALEnding } from './ending.ts'

const fates: readonly FileFate[] = ['same', 'missing', 'empty', 'other']

describe('the ending of a log', () => {
  const cases: [log: FileFate, endings: Record<FileFate, WALEnding>][] = [
    ['same', { same: 'complete', missing: 'leave', empty: 'leave', other: 'leave' }],
    ['missing', { same: 'copy', missing: 'complete', empty: 'leave', other: 'leave' }],
    ['empty', { same: 'copy', missing: 'leave', empty: 'leave', other: 'leave' }],
    ['other', { same: 'leave', missing: 'leave', empty: 'leave', other: 'leave' }],
  ]
  for (const [log, endings] of cases) {
    for (const index of fates) {
      it(`is to ${endings[index]} it where the log is ${log} and the index is ${index}`, () => {
        assert.equal(endingOf({ database: 'same', log, index }), endings[index])
      })
    }
  }

  it('is to leave it where the database is not the one that was opened', () => {
    for (const database of fates.filter((fate) => fate !== 'same')) {
      for (const log of fates) {
        for (const index of fates) assert.equal(endingOf({ database, log, index }), 'leave')
      }
    }
  })
})
