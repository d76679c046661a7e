// What Gantry writes about objects, and the ports it is written through: a folder's `.status/`, or a Kubernetes API.

/** A status in the API's own shape, ready to be written: only its own part of the object. */
export interface StatusObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly namespace?: string;
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    /** The version that was judged: it is written to no other. */
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly [part: string]: unknown;
}

export interface StatusPort {
  /** What whoever reads the log does when a write fails: a sentence. It is tried again in any case. */
  readonly advice: string;
  /** Writes the object's status whole. Resolves when it is as durable as it must be; rejects with the cause when it cannot be. */
  put(object: StatusObject): Promise<void>;
  /** Removes what was written for an object that is gone; nothing happens where nothing is. */
  remove(kind: string, namespace: string, name: string): Promise<void>;
}

/** A Kubernetes Event about one object. `reason` is the reference's name, such as `IPAllocated`. */
export interface ObjectEvent {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface EventPort {
  record(event: ObjectEvent): void;
}

/** meta/v1 Condition, less what the API server adds. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}
