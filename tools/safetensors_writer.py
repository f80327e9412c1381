"""Writes a safetensors file tensor by tensor, so that only one of them is in memory. Complete or absent. Standard library."""
import json
import os
import struct

ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def write_safetensors(path, shapes, read, metadata=None):
    """shapes: {name: (dtype, shape)}; read(name) gives its bytes, row-major, little-endian."""
    header, offset = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name in sorted(shapes):
        dtype, shape = shapes[name]
        size = ITEM_BYTES[dtype]
        for extent in shape:
            size *= extent
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    part = f"{path}.part"
    try:
        with open(part, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for name in sorted(shapes):
                data = read(name)
                begin, end = header[name]["data_offsets"]
                if len(data) != end - begin:
                    raise ValueError(f"tensor {name} has {len(data)} bytes, its shape needs {end - begin}")
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)
