def run(a):
    pass
