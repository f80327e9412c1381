"""Reads the tensors of a file that torch.save wrote, and runs nothing that stands in it.

Such a file is a zip with a pickle, and a pickle is a program. This reader knows the opcodes that plain containers and
tensors need, and four names; any other opcode or name ends it with a Refused that names what was met and where. Standard
library only; nothing is imported, called or looked up by a name from the file.
"""
import collections
import pickletools
import struct
import zipfile

MAX_PICKLE_BYTES = 64 << 20
MAX_DEPTH = 64
MAX_OBJECTS = 4_000_000
MAX_ENTRIES = 100_000

# Storage class -> (type in safetensors, bytes of an element).
STORAGES = {
    "FloatStorage": ("F32", 4), "HalfStorage": ("F16", 2), "BFloat16Storage": ("BF16", 2), "DoubleStorage": ("F64", 8),
    "LongStorage": ("I64", 8), "IntStorage": ("I32", 4), "ShortStorage": ("I16", 2), "CharStorage": ("I8", 1),
    "ByteStorage": ("U8", 1), "BoolStorage": ("BOOL", 1),
}
REBUILD = "torch._utils _rebuild_tensor_v2"
ORDERED_DICT = "collections OrderedDict"


class Refused(Exception):
    """The file is damaged, or holds more than containers, numbers, texts and tensors."""


class Name:
    """One of the few names that may stand in the pickle. Never called."""

    def __init__(self, text):
        self.text = text


Storage = collections.namedtuple("Storage", "dtype item_bytes key elements")
Tensor = collections.namedtuple("Tensor", "storage offset shape stride")


def allowed_name(text, where):
    module, _, name = text.partition(" ")
    if text in (REBUILD, ORDERED_DICT) or (module == "torch" and name in STORAGES):
        return Name(text)
    raise Refused(f"{where}: the pickle asks for \"{text.replace(' ', '.')}\", which is not on the list of what a checkpoint "
                  "needs (containers and tensors); nothing was run. Save the model's state_dict alone and convert that")


def storage_of(identity, where):
    if not (isinstance(identity, tuple) and len(identity) == 5 and identity[0] == "storage" and isinstance(identity[1], Name)
            and isinstance(identity[2], str) and isinstance(identity[4], int)):
        raise Refused(f"{where}: a persistent id is not that of a tensor's storage")
    kind = identity[1].text.partition(" ")[2]
    if kind not in STORAGES:
        raise Refused(f"{where}: \"{identity[1].text}\" is no storage")
    dtype, item_bytes = STORAGES[kind]
    return Storage(dtype, item_bytes, identity[2], identity[4])


def is_extents(value):
    return isinstance(value, tuple) and all(isinstance(x, int) and not isinstance(x, bool) and 0 <= x < 1 << 40 for x in value)


def is_row_major(tensor):
    expected = 1
    for extent, stride in zip(reversed(tensor.shape), reversed(tensor.stride)):
        if extent != 1 and stride != expected:
            return False
        expected *= extent
    return True


def reduced(function, arguments, where):
    """What the call of an allowed name stands for."""
    if not isinstance(function, Name) or not isinstance(arguments, tuple):
        raise Refused(f"{where}: a call of something that is no known name")
    if function.text == ORDERED_DICT and arguments in ((), ([],)):
        return {}
    if function.text == REBUILD and len(arguments) in (6, 7):
        storage, offset, shape, stride = arguments[:4]
        if isinstance(storage, Storage) and isinstance(offset, int) and offset >= 0 and is_extents(shape) and \
                is_extents(stride) and len(shape) == len(stride):
            return Tensor(storage, offset, shape, stride)
        raise Refused(f"{where}: a tensor with fields of the wrong kind")
    raise Refused(f"{where}: a call of \"{function.text.replace(' ', '.')}\" with arguments that it does not take")


class Machine:
    """The stack machine of a pickle, without its dangerous half."""

    def __init__(self, where):
        self.where = where
        self.stack = []
        self.marks = []
        self.memo = {}
        self.objects = 0

    def at(self, position):
        return f"{self.where} at byte {position} of its pickle"

    def push(self, value, position):
        self.objects += 1
        if self.objects > MAX_OBJECTS:
            raise Refused(f"{self.at(position)}: more than {MAX_OBJECTS} objects")
        self.stack.append(value)

    def pop(self, position):
        floor = self.marks[-1] if self.marks else 0
        if len(self.stack) <= floor:
            raise Refused(f"{self.at(position)}: the stack is empty")
        return self.stack.pop()

    def pop_to_mark(self, position):
        if not self.marks:
            raise Refused(f"{self.at(position)}: no mark on the stack")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def set_items(self, pairs, position):
        target = self.stack[-1] if self.stack else None
        if not isinstance(target, dict) or len(pairs) % 2:
            raise Refused(f"{self.at(position)}: items for something that is no dict")
        for key, value in zip(pairs[::2], pairs[1::2]):
            if not isinstance(key, (str, int, float, bool, type(None), tuple)):
                raise Refused(f"{self.at(position)}: a dict key of the kind {type(key).__name__}")
            try:
                target[key] = value
            except TypeError:
                raise Refused(f"{self.at(position)}: a dict key that holds a container") from None

    def append_all(self, values, position):
        target = self.stack[-1] if self.stack else None
        if not isinstance(target, list):
            raise Refused(f"{self.at(position)}: elements for something that is no list")
        target.extend(values)

    def memoize(self, index, position):
        if not self.stack:
            raise Refused(f"{self.at(position)}: nothing to remember")
        self.memo[index] = self.stack[-1]

    def recall(self, index, position):
        if index not in self.memo:
            raise Refused(f"{self.at(position)}: nothing is remembered as {index}")
        self.push(self.memo[index], position)


CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
VALUES = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
EMPTIES = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def step(machine, name, argument, position):
    """Does one opcode."""
    if name in CONSTANTS:
        machine.push(CONSTANTS[name], position)
    elif name in VALUES:
        machine.push(argument, position)
    elif name in EMPTIES:
        machine.push(EMPTIES[name](), position)
    elif name in TUPLES:
        values = [machine.pop(position) for _ in range(TUPLES[name])]
        machine.push(tuple(reversed(values)), position)
    elif name == "TUPLE":
        machine.push(tuple(machine.pop_to_mark(position)), position)
    elif name == "MARK":
        machine.marks.append(len(machine.stack))
        if len(machine.marks) > MAX_DEPTH:
            raise Refused(f"{machine.at(position)}: nested deeper than {MAX_DEPTH}")
    elif name == "SETITEMS":
        machine.set_items(machine.pop_to_mark(position), position)
    elif name == "SETITEM":
        value, key = machine.pop(position), machine.pop(position)
        machine.set_items([key, value], position)
    elif name == "APPENDS":
        machine.append_all(machine.pop_to_mark(position), position)
    elif name == "APPEND":
        machine.append_all([machine.pop(position)], position)
    elif name in ("BINPUT", "LONG_BINPUT"):
        machine.memoize(argument, position)
    elif name == "MEMOIZE":
        machine.memoize(len(machine.memo), position)
    elif name in ("BINGET", "LONG_BINGET"):
        machine.recall(argument, position)
    elif name == "GLOBAL":
        machine.push(allowed_name(argument, machine.at(position)), position)
    elif name == "STACK_GLOBAL":
        text, module = machine.pop(position), machine.pop(position)
        machine.push(allowed_name(f"{module} {text}", machine.at(position)), position)
    elif name == "BINPERSID":
        machine.push(storage_of(machine.pop(position), machine.at(position)), position)
    elif name == "REDUCE":
        arguments, function = machine.pop(position), machine.pop(position)
        machine.push(reduced(function, arguments, machine.at(position)), position)
    elif name == "BUILD":  # attributes of an OrderedDict, such as _metadata: not needed
        state = machine.pop(position)
        if not isinstance(state, dict) or not machine.stack or not isinstance(machine.stack[-1], dict):
            raise Refused(f"{machine.at(position)}: a state for something that is no OrderedDict")
    elif name not in ("PROTO", "FRAME"):
        raise Refused(f"{machine.at(position)}: the opcode {name} is not on the list of what a checkpoint needs; nothing was run")


def read_pickle(data, where):
    """The object of a pickle, tensors as Tensor."""
    machine = Machine(where)
    try:
        for opcode, argument, position in pickletools.genops(data):
            if opcode.name == "STOP":
                return machine.pop(position)
            step(machine, opcode.name, argument, position)
    except (ValueError, IndexError, struct.error, UnicodeDecodeError) as error:
        raise Refused(f"{where}: the pickle is damaged: {error}") from None
    raise Refused(f"{where}: the pickle has no end")


class TorchZip:
    """An open file of torch.save. `root` is what was saved; read() gives the bytes of one of its tensors."""

    def __init__(self, path):
        self.path = path
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
            raise Refused(f"{path} is no zip as torch.save writes it since version 1.6 (damaged, or saved by an older one)") from None
        self.entries = self._list()
        pickles = [name for name in self.entries if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1:
            raise Refused(f"{path} holds {len(pickles)} entries NAME/data.pkl, expected one")
        self.prefix = pickles[0][: -len("data.pkl")]
        if self.entries[pickles[0]].file_size > MAX_PICKLE_BYTES:
            raise Refused(f"{path}: its pickle has more than {MAX_PICKLE_BYTES} bytes")
        order = self.entries.get(self.prefix + "byteorder")
        if order is not None and self._bytes(order) != b"little":
            raise Refused(f"{path} was written on a machine with another byte order")
        self.root = read_pickle(self._bytes(self.entries[pickles[0]]), str(path))

    def _list(self):
        entries = {}
        infos = self.archive.infolist()
        if len(infos) > MAX_ENTRIES:
            raise Refused(f"{self.path} has more than {MAX_ENTRIES} entries")
        for info in infos:
            if info.filename in entries:
                raise Refused(f"{self.path} holds two entries \"{info.filename}\"")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
                raise Refused(f"{self.path}: \"{info.filename}\" is compressed or encrypted, which torch.save never does")
            entries[info.filename] = info
        return entries

    def _bytes(self, info):
        try:
            with self.archive.open(info) as stream:
                data = stream.read(info.file_size + 1)
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, struct.error) as error:
            raise Refused(f"{self.path}: \"{info.filename}\" cannot be read: {error}") from None
        if len(data) != info.file_size:
            raise Refused(f"{self.path}: \"{info.filename}\" is cut short")
        return data

    def read(self, name, tensor):
        """Bytes of the tensor in row-major order. Refuses a tensor that leaves its storage."""
        info = self.entries.get(f"{self.prefix}data/{tensor.storage.key}")
        item = tensor.storage.item_bytes
        if info is None or info.file_size != tensor.storage.elements * item:
            raise Refused(f"{self.path}: tensor \"{name}\" lies in storage \"{tensor.storage.key}\", which is missing or of another size")
        count = 1
        for extent in tensor.shape:
            count *= extent
        last = tensor.offset + sum((extent - 1) * stride for extent, stride in zip(tensor.shape, tensor.stride)) if count else 0
        if count and last >= tensor.storage.elements or count > tensor.storage.elements:
            raise Refused(f"{self.path}: tensor \"{name}\" of shape {list(tensor.shape)} leaves its storage of {tensor.storage.elements} elements")
        data = self._bytes(info)
        if count == 0 or is_row_major(tensor):
            return data[tensor.offset * item:(tensor.offset + count) * item]
        import numpy  # for transposed and strided tensors alone

        flat = numpy.frombuffer(data, dtype=f"V{item}")[tensor.offset:]
        view = numpy.lib.stride_tricks.as_strided(flat, tensor.shape, [stride * item for stride in tensor.stride])
        return numpy.ascontiguousarray(view).tobytes()
