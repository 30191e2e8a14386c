import type { Schema } from './schema.ts'

/** The part of an OpenAPI document that the reference page shows. */

export interface OpenApi {
  readonly info: {
    readonly title: string
    readonly version: string
    readonly summary: string
    readonly description: string
  }
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, PathItem>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly responses: Readonly<Record<string, Response>>
  }
  readonly 'x-elsewhere': Responses
}

export type Method = 'get' | 'put' | 'post' | 'delete'
export type PathItem = { readonly [method in Method]?: OperationItem } & { readonly parameters?: readonly Parameter[] }
export type Responses = Readonly<Record<string, Response | Reference>>

export interface Reference {
  readonly $ref: string
}

export interface OperationItem {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  readonly security?: readonly object[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Responses
}

export interface Operation extends OperationItem {
  readonly method: Method
  readonly path: string
  readonly parameters: readonly Parameter[]
}

export interface Parameter {
  readonly name: string
  readonly description: string
  readonly schema: Schema
  readonly example: string
}

export interface Response {
  readonly description: string
  readonly headers?: Readonly<Record<string, { readonly $ref?: string }>>
  readonly content?: Content
}

export type Content = Readonly<
  Record<string, { readonly schema: Schema; readonly examples?: Readonly<Record<string, Example>> }>
>

export interface Example {
  readonly summary?: string
  readonly value: unknown
}
