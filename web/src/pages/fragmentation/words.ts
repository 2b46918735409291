/** The texts of the fragmentation index. */
import { sayer, type Text } from "../../text/words";

const WORDS = {
  title: ["信息碎片化指数", "Fragmentation index"],
  lead: ["两个以上部门描述、并且已经关联起来的对象所占的比例。越高，信息越不碎片。", "The share of objects that two or more departments describe and that are joined. The higher, the less apart."],
  definition: ["定义", "Definition"],
  index: ["指数", "Index"],
  objects: ["有部门描述的对象", "Objects a department describes"],
  joined: ["已汇聚", "Joined"],
  linked: ["其中由多条记录关联", "Of them, of several linked records"],
  alone: ["仅一个部门", "One department only"],
  by_type: ["按类型", "By type"],
  type: ["类型", "Type"],
  by_pair: ["按部门对", "By pair of departments"],
  pair_note: ["两个部门共同描述的对象数", "Objects that both departments describe"],
  candidates: ["可能相同、尚未关联的记录", "Records that may be the same and are not linked"],
  candidates_note: ["按位置与名称相似推荐，不计入指数；由人来判断。", "Suggested by place and name; they do not count, and people decide."],
  distance: ["相距", "Apart"],
  likeness: ["名称相似", "Names alike"],
  objects_of: ["对象", "Objects"],
  none: ["没有候选记录", "No candidates"],
  choose: ["选择类型查看候选记录与对象", "Choose a type to see candidates and objects"],
  total: ["共 {count}", "{count} in all"],
} as const satisfies Record<string, Text>;

export const say = sayer(WORDS);
