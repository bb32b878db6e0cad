// class-transformer keeps its metadata in a module that it neither exports nor types; `Type` has no other way to be read back.
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: {
    findTypeMetadata(target: unknown, property: string): { typeFunction(): unknown } | undefined;
  };
}
