SET: list[str] = []


def set_mat_mul_precision(precision: str) -> None:
    SET.append(precision)
