"""The live reference model (参考模型): five layers and three supports, each with what runs in it now."""
