// A machine's state as one number, since a panel colours numbers.
import { bad, good, grey, warn } from './panels';

const names = ['online', 'stopped', 'suspended', 'vanished', 'silent'];

// 1 online, 2 stopped, 3 suspended, 4 vanished, 5 silent; 0: none of them is known.
export const stateOf = (by: string, filter: string) => names
  .map((name, index) => `${index + 1} * max by (${by}) (haidang_machine_state{state="${name}",${filter}})`).join(' + ');

export const stateTexts: Record<string, [string, string]> = {
  0: ['không rõ', grey],
  1: ['kết nối', good],
  2: ['đã dừng', grey],
  3: ['đang ngủ', 'blue'],
  4: ['mất kết nối', bad],
  5: ['im lặng', warn],
};
