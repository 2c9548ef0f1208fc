/* Grafana's types as they stand in a file: what it declares as enums is written as text or number. */
import type { Dashboard } from "@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen.js";

type Written<T> = T extends string
    ? `${T}`
    : T extends number
      ? T extends infer N extends number
          ? `${N}` extends `${infer Plain extends number}`
              ? Plain
              : N
          : never
      : T extends (infer Each)[]
        ? Written<Each>[]
        : T extends object
          ? { [Name in keyof T]: Written<T[Name]> }
          : T;

export type WrittenDashboard = Written<Dashboard>;
