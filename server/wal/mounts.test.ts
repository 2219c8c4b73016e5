import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mountOf, parseMountInfo } from './mounts.ts'

const table = [
  '26 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard',
  '30 26 0:40 / /srv/data rw shared:7 master:2 - nfs4 files:/export rw,vers=4.2',
  '31 26 0:41 / /mnt/my\\040share\\134x rw shared:9 - fuse.sshfs me@host:/a\\040b rw',
  '32 26 0:42 / /run rw - tmpfs  rw',
].join('\n')

const typeAt = (path: string, text: string): string | undefined =>
  mountOf(path, parseMountInfo(text))?.type

describe('the mount table', () => {
  it('is read with any number of optional fields', () => {
    const [root, data] = parseMountInfo(table)
    assert.deepEqual(root, { point: '/', type: 'ext4', source: '/dev/vda' })
    assert.deepEqual(data, { point: '/srv/data', type: 'nfs4', source: 'files:/export' })
  })

  it('has spaces and backslashes where the kernel wrote octal numbers', () => {
    const share = parseMountInfo(table)[2]
    assert.equal(share?.point, '/mnt/my share\\x')
    assert.equal(share?.source, 'me@host:/a b')
  })

  it('may name no source', () => {
    assert.deepEqual(parseMountInfo(table)[3], { point: '/run', type: 'tmpfs', source: '' })
  })

  it('has no mounts in lines of another form', () => {
    assert.deepEqual(parseMountInfo('\nnonsense\n/dev/vda / ext4 rw 0 0\n1 2 3 / / rw -\n'), [])
  })
})

describe('the mount of a path', () => {
  it('is the one with the longest point', () => {
    assert.equal(typeAt('/srv/data/app', table), 'nfs4')
    assert.equal(typeAt('/srv/data', table), 'nfs4')
    assert.equal(typeAt('/srv', table), 'ext4')
  })

  it('is found by whole components', () => {
    assert.equal(typeAt('/srv/database', table), 'ext4')
  })

  it('is the last of several on one point', () => {
    const covered = `${table}\n33 30 0:43 / /srv/data rw - xfs /dev/vdb rw`
    assert.equal(typeAt('/srv/data/app', covered), 'xfs')
  })

  it('is not known without a table', () => {
    assert.equal(mountOf('/srv', []), null)
  })
})
