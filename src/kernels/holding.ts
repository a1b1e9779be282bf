/**
 * Blocks that outlive windows: parameters, and what optimizers keep. Where memory is short, those that were used least lately
 * give way: their numbers wait in arrays of JavaScript's, and come back when they are asked for. So models that are
 * dropped within one turn of the event loop, in which no finaliser runs, are no burden: what gave way goes with them.
 */
import type { Heap, Want } from './heap.js';
import type { Scope } from './scope.js';

/** A block while it lies in the kernels' memory. It must lead neither to its holding nor, once it has left, to its numbers. */
interface Residence {
  readonly address: number;
  readonly bytes: number;
  /** When it was last used. */
  used: number;
  state: State | undefined;
}

/** What a holding is at this moment. */
interface State {
  residence: Residence | undefined;
  /** Its numbers while it is elsewhere. */
  saved: Uint8Array | undefined;
  scope: Scope;
  moves: number;
  /** How many have asked it to stay. */
  stays: number;
}

/** A block of more bytes, whose numbers are a holding's once it is put in place. */
export interface Enlargement {
  readonly bytes: number;
  /** Moves the holding's numbers there; those behind them are whatever lay there. */
  put(): void;
  /** Gives it back. */
  cancel(): void;
}

/** Holdings of a machine. */
export interface Holdings {
  /** One of so many bytes; its numbers are whatever lay there. @throws RangeError where there is too little memory. */
  take(bytes: number, want?: Want): Holding;
  /** Has holdings give way, those that were used least lately first, until `enough`; none where all of them are too few. */
  giveWay(missing: number, enough: () => boolean): void;
  /** From now on whatever is used stays, until the window ends. */
  opened(): void;
  /** How many have given way so far. */
  readonly gaveWay: number;
}

export class Holding {
  readonly #house: House;
  #state: State;
  #bytes: number;
  #freed = false;

  constructor(house: House, residence: Residence) {
    this.#house = house;
    this.#bytes = residence.bytes;
    this.#state = { residence, saved: undefined, scope: { open: true }, moves: 0, stays: 0 };
    residence.state = this.#state;
    house.enter(this, residence);
  }

  /** Where it lies. It stays there until a window that is open ends; where none is, until others need the memory. */
  get address(): number {
    const residence = this.#state.residence ?? this.#comeBack();
    residence.used = this.#house.tick();
    return residence.address;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Open as long as it lies where it does. */
  get scope(): Scope {
    return this.#state.scope;
  }

  /** How often it has left its place. */
  get moves(): number {
    return this.#state.moves;
  }

  /** Keeps it where it is, until the function that is returned is called. */
  stay(): () => void {
    void this.address;
    const state = this.#state;
    state.stays += 1;
    let over = false;
    return () => {
      if (!over) state.stays -= 1;
      over = true;
    };
  }

  /** Ends the scope of those who know where it lies and how it is laid out. */
  renew(): void {
    this.#state.scope.open = false;
    this.#state.scope = { open: true };
  }

  /** Takes a larger block for it, twice as large as `bytes` where nobody has to give way for that; nothing moves yet. */
  enlarge(bytes: number, want?: Want): Enlargement {
    const { heap } = this.#house.machine;
    const leave = this.stay();
    try {
      const spare = heap.allocateSpare(2 * bytes);
      const room = spare === undefined ? bytes : 2 * bytes;
      const address = spare ?? heap.allocate(bytes, want);
      return {
        bytes: room,
        put: () => {
          const { floats } = this.#house.machine;
          floats.copyWithin(address / 4, this.address / 4, (this.address + this.#bytes) / 4);
          leave();
          this.#leave(this.#state.residence as Residence);
          this.#bytes = room;
          this.#arrive(address);
        },
        cancel() {
          leave();
          heap.free(address);
        },
      };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Gives the memory back; it is of no use afterwards. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    const { residence } = this.#state;
    if (residence !== undefined) this.#leave(residence);
    this.#state.saved = undefined;
  }

  #leave(residence: Residence): void {
    this.#house.leave(residence);
    this.#house.registry.unregister(this);
  }

  #arrive(address: number): Residence {
    const residence = { address, bytes: this.#bytes, used: 0, state: this.#state };
    this.#state.residence = residence;
    this.#state.scope = { open: true };
    this.#house.enter(this, residence);
    return residence;
  }

  #comeBack(): Residence {
    if (this.#freed) throw new Error('memory: it was released.');
    const { machine } = this.#house;
    const address = machine.heap.allocate(this.#bytes, RETURN);
    new Uint8Array(machine.floats.buffer, address, this.#bytes).set(this.#state.saved as Uint8Array);
    this.#state.saved = undefined;
    this.#house.registry.unregister(this);
    return this.#arrive(address);
  }
}

const RETURN: Want = {
  what: 'memory: weights, or what an optimizer keeps, that gave way before',
  remedy: 'use fewer of them at once',
};

/** The machine, as far as holdings need it. */
interface Ground {
  readonly heap: Heap;
  /** The whole memory; another array after it has grown. */
  readonly floats: Float32Array;
  /** Windows that are open. */
  readonly windows: number;
}

/** What the holdings of a machine share. */
interface House {
  readonly machine: Ground;
  readonly registry: FinalizationRegistry<Residence>;
  tick(): number;
  enter(holding: Holding, residence: Residence): void;
  leave(residence: Residence): void;
}

export function holdings(machine: Ground): Holdings {
  const residences = new Set<Residence>();
  let clock = 0;
  /** The clock when the window opened, if one is open. */
  let opened = 0;
  let gaveWay = 0;

  function leave(residence: Residence): void {
    const { state } = residence;
    residences.delete(residence);
    residence.state = undefined;
    machine.heap.free(residence.address);
    if (state === undefined) return;
    state.residence = undefined;
    state.scope.open = false;
    state.moves += 1;
  }

  const house: House = {
    machine,
    // A holding that nobody has any more gives its memory back.
    registry: new FinalizationRegistry((residence) => {
      if (residences.has(residence)) leave(residence);
    }),
    tick: () => ++clock,
    enter(holding, residence) {
      residence.used = ++clock;
      residences.add(residence);
      house.registry.register(holding, residence, holding);
    },
    leave,
  };

  const mayGo = ({ state, used }: Residence) =>
    state !== undefined && state.stays === 0 && (machine.windows === 0 || used <= opened);

  return {
    take(bytes, want) {
      const address = machine.heap.allocate(bytes, want);
      return new Holding(house, { address, bytes, used: 0, state: undefined });
    },
    giveWay(missing, enough) {
      const going = [...residences].filter(mayGo).sort((a, b) => a.used - b.used);
      if (going.reduce((sum, { bytes }) => sum + bytes, 0) < missing) return;
      for (const residence of going) {
        const { address, bytes: size, state } = residence;
        (state as State).saved = new Uint8Array(machine.floats.buffer, address, size).slice();
        leave(residence);
        gaveWay += 1;
        if (enough()) return;
      }
    },
    opened() {
      opened = clock;
    },
    get gaveWay() {
      return gaveWay;
    },
  };
}
