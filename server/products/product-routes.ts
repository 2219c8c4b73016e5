import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { productNotFound } from './product-error.ts'
import {
  listQuerySchema,
  productChangesSchema,
  productDraftSchema,
  productPageSchema,
  productParamsSchema,
  productSchema,
  productStatsSchema,
} from './product-schemas.ts'
import type { ProductService, ServiceCall } from './product-service.ts'

export interface ProductRoutesOptions {
  readonly products: ProductService
}

const PATH = '/api/products'
const tags = ['products']
const config = { access: 'open' } as const

/** For a page JSON.stringify takes half the time of a serialiser made from the schema, which is here to be read. */
const plainJson = () => (data: unknown) => JSON.stringify(data)

/** What the pool shows of this request, and when it stops waiting for a connection. */
const callOf = (request: FastifyRequest): ServiceCall => ({
  label: `${request.method} ${request.routeOptions.url ?? PATH}`,
  signal: request.clientSignal,
})

/** The products over HTTP, open to everyone. Money is whole cents everywhere. */
export const productRoutes: FastifyPluginAsyncTypebox<ProductRoutesOptions> = async (
  app,
  { products },
) => {
  app.get(
    PATH,
    {
      config,
      serializerCompiler: plainJson,
      schema: {
        tags,
        summary: 'List products',
        description:
          'One page of the products that all given filters let through. Follow `nextCursor` for the rest.',
        querystring: listQuerySchema,
        response: { 200: productPageSchema },
      },
    },
    (request) => products.getProducts(request.query, callOf(request)),
  )

  app.get(
    `${PATH}/stats`,
    {
      config,
      serializerCompiler: plainJson,
      schema: {
        tags,
        summary: 'Figures per category',
        description: 'Reads and ranks every product: the heavy one.',
        response: { 200: productStatsSchema },
      },
    },
    (request) => products.getStats(callOf(request)),
  )

  app.get(
    `${PATH}/:id`,
    {
      config,
      schema: {
        tags,
        summary: 'Get a product',
        params: productParamsSchema,
        response: { 200: productSchema },
      },
    },
    async (request) => {
      const { id } = request.params
      const product = await products.getProduct(id, callOf(request))
      if (product === undefined) throw productNotFound(id)
      return product
    },
  )

  app.post(
    PATH,
    {
      config,
      schema: {
        tags,
        summary: 'Create a product',
        description: 'Answered when it is committed. `Location` is its address.',
        body: productDraftSchema,
        response: { 201: productSchema },
      },
    },
    async (request, reply) => {
      const product = await products.createProduct(request.body, callOf(request))
      reply.code(201).header('location', `${PATH}/${product.id}`)
      return product
    },
  )

  app.patch(
    `${PATH}/:id`,
    {
      config,
      schema: {
        tags,
        summary: 'Change a product',
        description: 'Fields that are not sent stay as they are.',
        params: productParamsSchema,
        body: productChangesSchema,
        response: { 200: productSchema },
      },
    },
    async (request) => {
      const { id } = request.params
      const product = await products.updateProduct(id, request.body, callOf(request))
      if (product === undefined) throw productNotFound(id)
      return product
    },
  )

  app.delete(
    `${PATH}/:id`,
    {
      config,
      schema: {
        tags,
        summary: 'Delete a product',
        description: 'Its id is never used again.',
        params: productParamsSchema,
        response: { 204: Type.Null({ description: 'It is gone.' }) },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if (!(await products.deleteProduct(id, callOf(request)))) throw productNotFound(id)
      reply.code(204)
    },
  )
}
